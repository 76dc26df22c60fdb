import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  cpuZoneIndex,
  known,
  parseLoad,
  parseMemory,
  parseThermal,
  shortBootId,
} from '../../src/core/host.ts';

describe('the machine as a sensor', () => {
  it('reads the temperature in thousandths of a degree', () => {
    assert.equal(parseThermal('48312\n'), 48.312);
    assert.equal(parseThermal('-5000'), -5);
  });

  it('reads the load of the last minute', () => {
    assert.equal(parseLoad('0.42 0.30 0.25 1/123 4567\n'), 0.42);
  });

  it('reads the memory that programs could still get', () => {
    assert.equal(parseMemory('MemTotal: 10 kB\nMemAvailable:     2048 kB\nX: 1\n'), 2_097_152);
  });

  for (const nonsense of ['', 'abc', 'NaN', '1e3 ', '0x10']) {
    it(`knows nothing from ${JSON.stringify(nonsense)}`, () => {
      assert.equal(parseThermal(nonsense), undefined);
      assert.equal(parseLoad(nonsense), undefined);
      assert.equal(parseMemory(nonsense), undefined);
    });
  }

  it("finds the processor's thermal zone among others", () => {
    assert.equal(cpuZoneIndex(['acpitz\n', 'x86_pkg_temp\n']), 1);
    assert.equal(cpuZoneIndex(['gpu-thermal', 'cpu-thermal']), 1);
    assert.equal(cpuZoneIndex(['battery', 'soc_thermal']), 1);
    assert.equal(cpuZoneIndex(['acpitz']), 0);
    assert.equal(cpuZoneIndex([]), undefined);
  });

  it('leaves out what is not known', () => {
    assert.deepEqual(known({ a: 1, b: undefined, c: 0 }), { a: 1, c: 0 });
  });

  it('shortens the boot id', () => {
    assert.equal(shortBootId('0f6b0c2e-3a4b-4c5d-8e9f-001122334455\n'), '0f6b0c2e3a4b');
  });
});
