/** What every Store promises; run on the one in memory and on Redis. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { TransientError } from '@holdfast/kit';
import type { StreamEntry } from '@holdfast/redis';
import type { Store } from '../../src/ports.ts';

export interface StoreBed extends AsyncDisposable {
  readonly store: Store;
  /** Puts this into the store, in place of what is there. */
  put(data: {
    readonly values?: readonly StreamEntry[];
    readonly events?: readonly StreamEntry[];
    readonly mqttGaps?: readonly StreamEntry[];
    readonly sensor?: Readonly<Record<string, string>>;
    readonly enabled?: string;
  }): Promise<void>;
  /** Takes Redis away. */
  leave(): Promise<void>;
}

const BASE = 1_795_300_000_000;
const entry = (ms: number, n = 0): StreamEntry => [`${BASE + ms}-${n}`, ['t', String(ms)]];
const ids = (entries: readonly StreamEntry[]) => entries.map(([id]) => id);

export function storeSuite(name: string, start: () => Promise<StoreBed>): void {
  describe(name, () => {
    test('an empty store has nothing, and says so without an error', async () => {
      await using bed = await start();
      const facts = await bed.store.facts();
      assert.deepEqual([facts.entries, facts.oldestId, facts.mqttGaps], [0, null, 0]);
      assert.deepEqual(facts.hashes.sensor, {});
      assert.equal(facts.strings.enabled, null);
      assert.deepEqual(await bed.store.newest(5), []);
      assert.deepEqual(await bed.store.events(), []);
      assert.deepEqual(await bed.store.gaps('hub', 5), []);
    });

    test('tells the small keys, and how much there is', async () => {
      await using bed = await start();
      const values = [entry(0), entry(1)];
      const sensor = { state: 'measuring', 'sensor:host': 'ok' };
      await bed.put({ values, sensor, enabled: '0', mqttGaps: [entry(5)] });
      const facts = await bed.store.facts();
      assert.deepEqual(facts.hashes.sensor, sensor);
      assert.deepEqual([facts.entries, facts.oldestId], [2, values[0]?.[0]]);
      assert.deepEqual([facts.strings.enabled, facts.mqttGaps, facts.hubGaps], ['0', 1, 0]);
      assert.deepEqual(ids(await bed.store.gaps('mqtt', 5)), [`${BASE + 5}-0`]);
      assert.ok(((await bed.store.memory()).usedBytes ?? 0) > 0);
    });

    test('gives the newest first, pages oldest first without a hole or a repetition', async () => {
      await using bed = await start();
      const values = Array.from({ length: 25 }, (_, i) => entry(Math.floor(i / 3), i % 3));
      await bed.put({ values });
      assert.deepEqual(ids(await bed.store.newest(3)), ids(values.slice(-3).toReversed()));
      const read: StreamEntry[] = [];
      for (;;) {
        const page = await bed.store.page(read.at(-1)?.[0], BASE + 1, BASE + 6, 4);
        read.push(...page);
        if (page.length < 4) break;
      }
      assert.deepEqual(ids(read), ids(values.slice(3, 21)));
    });

    test('gives the first entries of each step, the last millisecond of it included', async () => {
      await using bed = await start();
      await bed.put({ values: [entry(0), entry(9), entry(9, 1), entry(10), entry(25)] });
      const grid = { fromMs: BASE, stepMs: 10, steps: 120 };
      const windows = await bed.store.windows(grid, 2, 0, 100);
      assert.equal(windows.length, 100);
      assert.deepEqual(ids(windows[0] ?? []), [`${BASE}-0`, `${BASE + 9}-0`]);
      assert.deepEqual(ids(windows[1] ?? []), [`${BASE + 10}-0`]);
      assert.deepEqual(ids(windows[2] ?? []), [`${BASE + 25}-0`]);
      assert.deepEqual(windows.slice(3).flat(), []);
      assert.deepEqual(await bed.store.windows(grid, 2, 1, 2), windows.slice(1, 3));
    });

    test('gives the events in their order', async () => {
      await using bed = await start();
      const events = [entry(1), entry(2)];
      await bed.put({ events });
      assert.deepEqual(await bed.store.events(), events);
    });

    test('rejects with a TransientError while Redis is away', async () => {
      await using bed = await start();
      await bed.leave();
      const { store } = bed;
      const grid = { fromMs: BASE, stepMs: 10, steps: 3 };
      for (const question of [
        store.facts(),
        store.memory(),
        store.newest(1),
        store.page(undefined, 0, 1, 1),
        store.windows(grid, 1, 0, 3),
        store.events(),
        store.gaps('mqtt', 1),
      ]) {
        await assert.rejects(question, TransientError);
      }
      assert.equal(store.ready, false);
    });
  });
}
