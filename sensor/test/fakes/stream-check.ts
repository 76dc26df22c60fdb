/** Reading the stream back as a receiver would, and finding holes and repetitions. */
import { KEYS, fieldOf, identityOf } from '@holdfast/redis';
import type { Redis } from 'ioredis';

export interface StreamCheck {
  readonly readings: number;
  readonly epochs: number;
  /** Sequence numbers that are in no reading and no gap record, as `epoch:seq`. */
  readonly missing: readonly string[];
  /** Readings that stand there twice, as `sensor/boot/uptime`. */
  readonly repeated: readonly string[];
  /** Readings covered by gap records. */
  readonly skipped: number;
}

interface GapRecord {
  readonly from_seq: number;
  readonly to_seq: number;
  readonly count: number;
}

export async function checkStream(client: Redis): Promise<StreamCheck> {
  const entries = await client.xrange(KEYS.values.key, '-', '+');
  const next = new Map<string, number>();
  const seen = new Set<string>();
  const missing: string[] = [];
  const repeated: string[] = [];
  let [readings, skipped] = [0, 0];
  const expect = (epoch: string, from: number, to: number) => {
    for (let seq = next.get(epoch) ?? 1; seq < from; seq += 1) missing.push(`${epoch}:${seq}`);
    if (from < (next.get(epoch) ?? 1)) repeated.push(`${epoch}:${from}`);
    next.set(epoch, to + 1);
  };
  for (const [, fields] of entries) {
    const gap = fieldOf(fields, '_gap');
    if (gap !== undefined) {
      const { from_seq, to_seq, count } = JSON.parse(gap) as GapRecord;
      expect(fieldOf(fields, '_epoch') ?? '', from_seq, to_seq);
      skipped += count;
      continue;
    }
    const identity = identityOf(fields);
    if (identity === undefined) continue;
    readings += 1;
    expect(identity.epoch, identity.seq, identity.seq);
    const taken = ['_sensor', '_boot', '_uptime_ms'].map((name) => fieldOf(fields, name)).join('/');
    if (seen.has(taken)) repeated.push(taken);
    seen.add(taken);
  }
  return { readings, epochs: next.size, missing, repeated, skipped };
}
