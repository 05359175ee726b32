/** Making elements. */

type Child = Node | string | null;
type Value = string | number | boolean | null | ((event: Event) => void);

/** Make an element: attributes by name, "on..." adds a listener; null and false are left out. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Record<string, Value> = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  return dressed(document.createElement(tag), attributes, children);
}

/** Make an element of a drawing. */
export function svg(
  tag: string,
  attributes: Record<string, Value> = {},
  ...children: Child[]
): SVGElement {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  return dressed(element, attributes, children);
}

function dressed<E extends Element>(
  element: E,
  attributes: Record<string, Value>,
  children: Child[],
): E {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else if (value !== null && value !== false)
      element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

/** A button with a tooltip in plain words. */
export function button(
  text: string,
  title: string,
  pressed: (event: Event) => void,
  more: Record<string, Value> = {},
): HTMLButtonElement {
  return h("button", { type: "button", title, onclick: pressed, ...more }, text);
}

/** A choice of one of several. */
export function select(
  label: string,
  title: string,
  options: readonly (readonly [string, string])[],
  changed: (value: string) => void,
): HTMLLabelElement {
  const box = h(
    "select",
    { title, onchange: (event) => changed((event.target as HTMLSelectElement).value) },
    ...options.map(([value, text]) => h("option", { value }, text)),
  );
  return h("label", {}, `${label} `, box);
}

export interface SliderRange {
  min: number;
  max: number;
  step: number;
  value: number;
}

/** A slider that shows its value. */
export function slider(
  label: string,
  title: string,
  range: SliderRange,
  moved: (value: number) => void,
  shown: (value: number) => string = String,
): HTMLLabelElement {
  const out = h("output", {}, shown(range.value));
  const input = h("input", {
    type: "range",
    title,
    min: range.min,
    max: range.max,
    step: range.step,
    value: range.value,
    oninput: (event) => {
      const value = Number((event.target as HTMLInputElement).value);
      out.value = shown(value);
      moved(value);
    },
  });
  return h("label", { class: "slider" }, `${label} `, input, out);
}

export function $<E extends HTMLElement>(id: string): E {
  return document.getElementById(id) as E;
}

export function number(value: number | null, digits = 1): string {
  return value === null || !Number.isFinite(value) ? "–" : value.toFixed(digits);
}

/** Let the browser save a file. */
export function save(content: Blob, name: string): void {
  const link = h("a", { href: URL.createObjectURL(content), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
