/** Text to JSON for input nobody vouches for: bounded before it is parsed. */
import { refusal } from './refusal.ts';
import type { Refusal } from './refusal.ts';

/** A command never needs more; what is larger is not even parsed. */
export const MAX_COMMAND_BYTES = 16_384;
/** Levels of objects and lists, the command itself being the first. */
export const MAX_DEPTH = 8;

export type JsonObject = Readonly<Record<string, unknown>>;
export type Decoded<T> = { readonly value: T } | { readonly refusal: Refusal };

/** UTF-8 to text; RFC 8259, section 8.1, allows nothing else on the wire. */
export function decodeText(bytes: Uint8Array): Decoded<string> {
  if (bytes.length > MAX_COMMAND_BYTES) return tooLarge(bytes.length);
  try {
    return { value: new TextDecoder('utf-8', { fatal: true }).decode(bytes) };
  } catch {
    return { refusal: refusal('not_json', 'the payload is not UTF-8') };
  }
}

/** Text to a JSON object within the limits. */
export function decodeObject(text: string): Decoded<JsonObject> {
  // A UTF-16 unit is at least one byte of UTF-8.
  if (text.length > MAX_COMMAND_BYTES) return tooLarge(text.length);
  if (depthOf(text) > MAX_DEPTH) {
    return { refusal: refusal('too_deep', `nested deeper than ${MAX_DEPTH} levels`) };
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { refusal: refusal('not_json', 'the payload is not JSON') };
  }
  if (!isObject(value)) {
    return { refusal: refusal('not_an_object', 'a command is a JSON object') };
  }
  return { value };
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Deepest nesting of brackets outside strings; for text that is no JSON just some number. */
export function depthOf(text: string): number {
  let depth = 0;
  let deepest = 0;
  let inString = false;
  for (let i = 0; i < text.length; i += 1) {
    const character = text[i];
    if (inString) {
      if (character === '\\') i += 1;
      else if (character === '"') inString = false;
    } else if (character === '"') {
      inString = true;
    } else if (character === '{' || character === '[') {
      depth += 1;
      deepest = Math.max(deepest, depth);
    } else if (character === '}' || character === ']') {
      depth -= 1;
    }
  }
  return deepest;
}

function tooLarge(size: number): { readonly refusal: Refusal } {
  const message = `${size} bytes; a command may have ${MAX_COMMAND_BYTES}`;
  return { refusal: refusal('too_large', message) };
}
