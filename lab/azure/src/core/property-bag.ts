/**
 * Properties of a message in its topic: URL-encoded `name=value` joined by `&`. Names that begin
 * with `$.` are system properties (`$.mid` message id, `$.ct` content type, ...). `name` alone is
 * null, `name=` the empty text.
 */

export interface PropertyBag {
  /** By short name with its `$.`, e.g. `$.mid`. */
  readonly system: Readonly<Record<string, string>>;
  readonly user: Readonly<Record<string, string | null>>;
}

/** Undefined when it cannot be decoded. */
export function parsePropertyBag(text: string): PropertyBag | undefined {
  const system: [string, string][] = [];
  const user: [string, string | null][] = [];
  // Some clients end the topic with a slash, some put a question mark in front.
  for (const part of text.replace(/^\?/, '').replace(/\/$/, '').split('&')) {
    if (part === '') continue;
    const at = part.indexOf('=');
    const name = decoded(at < 0 ? part : part.slice(0, at));
    const value = at < 0 ? null : decoded(part.slice(at + 1));
    if (name === undefined || value === undefined) return undefined;
    if (name.startsWith('$.')) system.push([name, value ?? '']);
    else user.push([name, value]);
  }
  return { system: Object.fromEntries(system), user: Object.fromEntries(user) };
}

export function formatPropertyBag(bag: PropertyBag): string {
  return Object.entries({ ...bag.system, ...bag.user })
    .map(([name, value]) =>
      value === null
        ? encodeURIComponent(name)
        : `${encodeURIComponent(name)}=${encodeURIComponent(value)}`,
    )
    .join('&');
}

/** What counts towards 256 KB and the metering: body, system values, user names and values. */
export function messageBytes(bodyBytes: number, bag: PropertyBag): number {
  let characters = '';
  for (const value of Object.values(bag.system)) characters += value;
  for (const [name, value] of Object.entries(bag.user)) characters += name + (value ?? '');
  return bodyBytes + new TextEncoder().encode(characters).length;
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
