// Keeps all files of the site, so that it works without a network, and lets WebAssembly use threads.
// Only the exported site registers this file.

const HEADERS = {
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-embedder-policy": "require-corp",
  "cross-origin-resource-policy": "same-origin",
};

// Large, and for those who have a graphics card: kept when it is used.
const WHEN_USED = /^runtime\/.*asyncify/;

async function listed() {
  const answer = await fetch("files.json", { cache: "no-store" });
  if (!answer.ok) throw new Error("files.json");
  const text = await answer.text();
  const sum = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
  const name = `scgm-${[...sum.slice(0, 8)].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
  const files = Object.keys(JSON.parse(text)).filter((file) => !WHEN_USED.test(file));
  return { name, files: ["./", "files.json", ...files] };
}

async function keep() {
  const { name, files } = await listed();
  const cache = await caches.open(name);
  await Promise.all(
    files.map(async (file) => {
      if (!(await cache.match(file))) await cache.add(new Request(file, { cache: "no-cache" }));
    }),
  );
  for (const other of await caches.keys())
    if (other.startsWith("scgm-") && other !== name) await caches.delete(other);
}

self.addEventListener("install", (event) => {
  event.waitUntil(keep().then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

// A page that is opened asks whether there is a newer version, which the next one gets.
self.addEventListener("message", (event) => {
  if (event.data === "renew") event.waitUntil(keep().catch(() => undefined));
});

self.addEventListener("fetch", (event) => {
  const here = new URL("./", self.location.href).href;
  if (event.request.method === "GET" && event.request.url.startsWith(here))
    event.respondWith(answer(event.request));
});

async function fetched(request) {
  const found = await fetch(request);
  const file = request.url.slice(new URL("./", self.location.href).href.length);
  const name = (await caches.keys()).find((each) => each.startsWith("scgm-"));
  if (found.ok && name !== undefined && WHEN_USED.test(file))
    await (await caches.open(name)).put(request, found.clone());
  return found;
}

async function answer(request) {
  const found = (await caches.match(request, { ignoreSearch: true })) ?? (await fetched(request));
  const headers = new Headers(found.headers);
  for (const [name, value] of Object.entries(HEADERS)) headers.set(name, value);
  return new Response(found.body, { status: found.status, statusText: found.statusText, headers });
}
