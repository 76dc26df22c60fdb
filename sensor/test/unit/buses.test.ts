import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ManualClock } from '@holdfast/kit/testing';
import { ExclusiveBus } from '../../src/adapters/exclusive-bus.ts';
import { HardwareError } from '../../src/core/hardware-error.ts';
import { FakeBus } from '../fakes/register-bus.ts';
import type { FakeChip } from '../fakes/register-bus.ts';

const LIMIT_MS = 1_000;
const forever = async () => new Promise<never>(() => {});

function chip(id: number): FakeChip {
  const registers = new Uint8Array(256);
  registers[0xd0] = id;
  return { registers };
}

const codeOf = async (work: Promise<unknown>) =>
  work.then(
    () => 'ok',
    (error: unknown) => (error instanceof HardwareError ? error.code : String(error)),
  );

describe('a bus', () => {
  it('carries one transfer at a time', async () => {
    const inner = new FakeBus();
    inner.chips.set(1, chip(0x60));
    const bus = new ExclusiveBus(inner, 'bus', LIMIT_MS, new ManualClock());
    await Promise.all(Array.from({ length: 20 }, async () => bus.readRegisters(1, 0xd0, 1)));
    assert.equal(inner.mostActive, 1);
  });

  it('goes on after a transfer that failed', async () => {
    const inner = new FakeBus();
    inner.chips.set(1, chip(0x60));
    const bus = new ExclusiveBus(inner, 'bus', LIMIT_MS, new ManualClock());
    const codes = [9, 1, 9, 1].map(async (address) => codeOf(bus.readRegisters(address, 0xd0, 1)));
    assert.deepEqual(await Promise.all(codes), ['ENXIO', 'ok', 'ENXIO', 'ok']);
  });

  it('gives up a transfer that hangs, and those who wait for it', async () => {
    const clock = new ManualClock();
    const inner = new FakeBus();
    inner.chips.set(1, { ...chip(0x60), onTransfer: forever });
    const bus = new ExclusiveBus(inner, 'bus', LIMIT_MS, clock);
    const hung = codeOf(bus.readRegisters(1, 0xd0, 1));
    const waiting = codeOf(bus.readRegisters(1, 0xd0, 1));
    await clock.advance(LIMIT_MS);
    assert.equal(await hung, 'ETIMEDOUT');
    await clock.advance(LIMIT_MS);
    assert.equal(await waiting, 'BUS_BLOCKED');
    assert.equal(inner.active, 1);
  });

  it('is free again when the transfer that hung has ended', async () => {
    const clock = new ManualClock();
    const inner = new FakeBus();
    const latch: { release?: () => void } = {};
    const slow: FakeChip = {
      ...chip(0x60),
      onTransfer: async () =>
        new Promise((resolve) => {
          latch.release = () => resolve(undefined);
        }),
    };
    inner.chips.set(1, slow);
    inner.chips.set(2, chip(0x60));
    const bus = new ExclusiveBus(inner, 'bus', LIMIT_MS, clock);
    const hung = codeOf(bus.readRegisters(1, 0xd0, 1));
    await clock.advance(LIMIT_MS);
    assert.equal(await hung, 'ETIMEDOUT');
    const next = codeOf(bus.readRegisters(2, 0xd0, 1));
    latch.release?.();
    assert.equal(await next, 'ok');
  });
});
