import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { remember } from '../../src/core/memory.ts';
import { seen, sensorsSeen } from '../../src/core/readings.ts';
import { NOW_MS, reading } from '../fakes/knowledge.ts';

describe('sensors that are remembered', () => {
  test('whose names change with every reading do not fill the memory', () => {
    let memory: ReturnType<typeof remember> = new Map();
    for (let look = 0; look < 500; look += 1) {
      const readings = Array.from({ length: 50 - (look % 3) }, (_, i) =>
        reading(NOW_MS + look * 50_000 + i * 1_000, 'ble', { [`rssi_${look}_${i}_dbm`]: -60 }),
      );
      memory = remember(memory, sensorsSeen(readings.toReversed().flatMap((r) => seen(r) ?? [])));
    }
    const size = memory.get('ble')?.values.size ?? 0;
    assert.ok(size >= 48 && size <= 200, `${size} quantities`);
  });

  test('have quantities that are rare for an hour, not for ever', () => {
    const both = seen(reading(NOW_MS, 's', { a: 1, b: 2 }));
    const first = remember(new Map(), sensorsSeen(both === undefined ? [] : [both]));
    const after = (ms: number) => {
      const one = seen(reading(NOW_MS + ms, 's', { a: 1 }));
      const now = remember(first, sensorsSeen(one === undefined ? [] : [one]));
      return [...(now.get('s')?.values.keys() ?? [])];
    };
    assert.deepEqual(after(3_600_000).toSorted(), ['a', 'b']);
    assert.deepEqual(after(3_600_001), ['a']);
  });
});
