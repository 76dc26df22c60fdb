/** What a reading store promises (`src/ports.ts`), whatever it is made of. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Reading } from '@holdfast/redis';
import type { ReadingStore } from '../../src/ports.ts';
import type { StoredReading } from '../fakes/memory-store.ts';

export interface StoreRig extends AsyncDisposable {
  readonly store: ReadingStore;
  stored(): Promise<readonly StoredReading[]>;
  gaps(): Promise<readonly { readonly from: number; readonly to: number }[]>;
}

export function reading(uptimeMs: number, sensor = 's'): Reading {
  return { sensor, boot: 'b', uptimeMs, quantities: { load_1m: '0.5' } };
}

export function storeContract(name: string, makeRig: () => Promise<StoreRig>): void {
  describe(`a reading store: ${name}`, () => {
    it('numbers readings without a hole, in order', async () => {
      await using rig = await makeRig();
      for (let n = 1; n <= 20; n += 1) {
        assert.deepEqual(await rig.store.append(reading(n), false, 0), { kind: 'stored' });
      }
      const stored = await rig.stored();
      assert.deepEqual(
        stored.map(({ seq, uptimeMs }) => [seq, uptimeMs]),
        Array.from({ length: 20 }, (_, i) => [i + 1, i + 1]),
      );
    });

    it('does not store a reading twice when it is offered again', async () => {
      await using rig = await makeRig();
      await rig.store.append(reading(1), false, 0);
      assert.deepEqual(await rig.store.append(reading(1), true, 0), { kind: 'stored' });
      await rig.store.append(reading(2), true, 0);
      assert.deepEqual(
        (await rig.stored()).map(({ seq }) => seq),
        [1, 2],
      );
    });

    it('tells readings of two sensors at the same moment apart', async () => {
      await using rig = await makeRig();
      await rig.store.append(reading(1, 'a'), false, 0);
      await rig.store.append(reading(1, 'b'), true, 0);
      assert.equal((await rig.stored()).length, 2);
    });

    it('gives skipped readings numbers and a gap record', async () => {
      await using rig = await makeRig();
      await rig.store.append(reading(1), false, 0);
      await rig.store.append(reading(5), false, 3);
      await rig.store.append(reading(5), true, 3);
      assert.deepEqual(await rig.gaps(), [{ from: 2, to: 4 }]);
      assert.deepEqual(
        (await rig.stored()).map(({ seq }) => seq),
        [1, 5],
      );
    });

    it('is ready, and says at once that it will not wait after an abort', async () => {
      await using rig = await makeRig();
      assert.equal(await rig.store.untilReady(new AbortController().signal), true);
      assert.equal(await rig.store.untilReady(AbortSignal.abort()), false);
    });
  });
}
