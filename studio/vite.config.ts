import { cpSync, mkdirSync } from "node:fs";
import { defineConfig, type Plugin } from "vite";

const OUT = "../src/scgm/studio/static";
const RUNTIME = "node_modules/onnxruntime-web/dist";

/** The WebAssembly runtime is loaded by its address, so it is copied as it is. */
function runtime(): Plugin {
  return {
    name: "runtime",
    closeBundle() {
      mkdirSync(`${OUT}/runtime`, { recursive: true });
      for (const build of ["ort-wasm-simd-threaded", "ort-wasm-simd-threaded.asyncify"]) // the second with WebGPU
        for (const name of [`${build}.wasm`, `${build}.mjs`]) cpSync(`${RUNTIME}/${name}`, `${OUT}/runtime/${name}`);
    },
  };
}

export default defineConfig({
  base: "./",
  plugins: [runtime()],
  resolve: { conditions: ["onnxruntime-web-use-extern-wasm", "module", "browser"] },
  build: {
    outDir: OUT,
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 4000,
    rollupOptions: {
      output: {
        manualChunks: (id) =>
          id.includes("@niivue") ? "viewer" : id.includes("onnxruntime") ? "onnx" : undefined,
      },
    },
  },
  worker: { format: "es" },
});
