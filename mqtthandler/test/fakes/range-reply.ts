/** What Redis answers to XRANGE, to the byte; the contract suite compares. */
import type { StreamEntry } from '@holdfast/redis';

export function rangeReply(entries: readonly StreamEntry[]): Buffer {
  const parts: (string | Buffer)[] = [`*${entries.length}\r\n`];
  const put = (text: string) => parts.push(`$${Buffer.byteLength(text)}\r\n${text}\r\n`);
  for (const [id, fields] of entries) {
    parts.push('*2\r\n');
    put(id);
    parts.push(`*${fields.length}\r\n`);
    fields.forEach(put);
  }
  return Buffer.from(parts.join(''));
}
