/**
 * The little that is needed to draw a page again and again without losing focus, scroll position or
 * a screen reader's place: plain descriptions of elements, and one function that changes what differs.
 */

export type Child = Node | string | number | false | undefined;
type Attributes = Readonly<
  Record<string, string | number | boolean | undefined | ((event: Event) => void)>
>;

/** A description of an element; `key` keeps elements of a list apart when their order changes. */
export interface Node {
  readonly tag: string;
  readonly attributes: Attributes;
  readonly children: readonly Child[];
}

export function h(tag: string, attributes: Attributes = {}, ...children: readonly Child[]): Node {
  return { tag, attributes, children };
}

const SVG = 'http://www.w3.org/2000/svg';
const listeners = new WeakMap<Element, Map<string, (event: Event) => void>>();

/** Makes the content of `parent` what is described. */
export function draw(parent: Element, ...described: readonly Child[]): void {
  const children = described.filter((child) => child !== false && child !== undefined);
  for (const [index, child] of children.entries()) {
    const present = parent.childNodes[index];
    const made =
      typeof child === 'object' ? element(parent, present, child) : text(present, String(child));
    if (present === undefined) parent.append(made);
    else if (present !== made) present.replaceWith(made);
  }
  while (parent.childNodes.length > children.length) parent.lastChild?.remove();
}

function text(present: ChildNode | undefined, content: string): Text {
  if (!(present instanceof Text)) return document.createTextNode(content);
  if (present.data !== content) present.data = content;
  return present;
}

function element(
  parent: Element,
  present: ChildNode | undefined,
  { tag, attributes, children }: Node,
): Element {
  const inSvg = tag === 'svg' || parent.namespaceURI === SVG;
  const same = present instanceof Element && present.localName === tag;
  const made = same
    ? present
    : inSvg
      ? document.createElementNS(SVG, tag)
      : document.createElement(tag);
  setAttributes(made, attributes);
  draw(made, ...children);
  return made;
}

function setAttributes(target: Element, attributes: Attributes): void {
  for (const name of target.getAttributeNames()) {
    if (!(name in attributes)) target.removeAttribute(name);
  }
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') listen(target, name, value);
    else if (value === undefined || value === false) target.removeAttribute(name);
    else {
      const wanted = value === true ? '' : String(value);
      if (target.getAttribute(name) !== wanted) target.setAttribute(name, wanted);
    }
  }
}

/** `onclick` and the like; the newest function counts. */
function listen(target: Element, name: string, listener: (event: Event) => void): void {
  const type = name.slice(2);
  const own = listeners.get(target) ?? new Map<string, (event: Event) => void>();
  listeners.set(target, own);
  if (!own.has(type)) target.addEventListener(type, (event) => own.get(type)?.(event));
  own.set(type, listener);
}

/** An element of index.html. */
export function byId(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`no element ${id}`);
  return found;
}
