/**
 * Redis' reply to XRANGE as bytes (RESP2): an array of entries, each an array of the id and an array
 * of names and values. Whole replies only; how they travel is `adapters/range-connection.ts`.
 */
import type { StreamEntry } from '@holdfast/redis';

const ID = /^\d{1,20}-\d{1,20}$/;
const MAX_ID_LENGTH = 41;
const CR = 0x0d;
const ARRAY = 0x2a;
/** How an entry begins. A value can hold the same bytes. */
const ENTRY = Buffer.from('*2\r\n$');

/** A header's number, and what follows it. */
function header(reply: Buffer, at: number): { readonly length: number; readonly next: number } {
  const end = reply.indexOf(CR, at);
  return { length: Number(reply.toString('latin1', at + 1, end)), next: end + 2 };
}

/** How many entries there are; undefined when it is an error, or anything else. */
export function entriesIn(reply: Buffer): number | undefined {
  return reply[0] === ARRAY ? header(reply, 0).length : undefined;
}

/**
 * The last id, found from the end without reading what is before. A guess: a value can imitate an
 * entry. Good enough to read ahead from, if the next range is compared with what was sent.
 */
export function lastIdGuess(reply: Buffer): string | undefined {
  for (
    let at = reply.lastIndexOf(ENTRY);
    at !== -1;
    at = at === 0 ? -1 : reply.lastIndexOf(ENTRY, at - 1)
  ) {
    const { length, next } = header(reply, at + ENTRY.length - 1);
    const id = reply.toString('latin1', next, next + Math.min(length, MAX_ID_LENGTH));
    // Two fields begin with the same bytes, but their names are no ids.
    if (ID.test(id)) return id;
  }
  return undefined;
}

/** The entries as text; bytes that are no UTF-8 become U+FFFD. */
export function entriesOf(reply: Buffer): StreamEntry[] {
  let at = 0;
  const size = () => {
    const { length, next } = header(reply, at);
    at = next;
    return length;
  };
  const text = () => {
    const length = size();
    const from = at;
    at += length + 2;
    return reply.toString('utf8', from, from + length);
  };
  return Array.from({ length: size() }, (): StreamEntry => {
    size();
    const id = text();
    return [id, Array.from({ length: size() }, text)];
  });
}
