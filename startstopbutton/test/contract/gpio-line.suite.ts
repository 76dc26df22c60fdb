/** What every GpioLine promises, whatever is behind it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '@holdfast/lab/servers';
import type { Level } from '../../src/core/contact.ts';
import type { LineError } from '../../src/core/line-error.ts';
import type { GpioLine, LineListener } from '../../src/ports.ts';

const STALL_MS = 60;

/** Nothing in this process runs for a while. */
function standStill(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

/** A line and the hand that moves it; its rest level is 1. */
export interface LineLab extends AsyncDisposable {
  readonly line: GpioLine;
  /** Whether its edges carry the time at which they happened. */
  readonly isExact: boolean;
  drive(level: Level): Promise<void>;
}

interface Heard extends LineListener {
  readonly opened: Level[];
  readonly edges: { readonly level: Level; readonly atMs: number; readonly isExact: boolean }[];
  readonly lost: LineError[];
}

function listener(): Heard {
  const heard: Heard = {
    opened: [],
    edges: [],
    lost: [],
    onOpened: (level) => heard.opened.push(level),
    onEdge: (level, atMs, isExact) => heard.edges.push({ level, atMs, isExact }),
    onLost: (error) => heard.lost.push(error),
  };
  return heard;
}

/** @param skip why the suite cannot run here, undefined when it can */
export function gpioLineContract(name: string, start: () => Promise<LineLab>, skip?: string): void {
  const check = (sentence: string, body: (lab: LineLab) => Promise<void>) =>
    test(`${name}: ${sentence}`, { skip: skip ?? false }, async () => {
      await using lab = await start();
      await body(lab);
    });

  check(
    'tells the level when opened, then every lasting change, on a clock that only runs forward',
    async (lab) => {
      const heard = listener();
      await lab.line.open(heard);
      assert.deepEqual(heard.opened, [1]);
      for (const level of [0, 1, 0, 1] as const) {
        const before = heard.edges.length;
        await lab.drive(level);
        await until(
          'the edge',
          () => heard.edges.length > before && heard.edges.at(-1)?.level === level,
        );
      }
      const times = heard.edges.map(({ atMs }) => atMs);
      assert.deepEqual(
        times,
        times.toSorted((a, b) => a - b),
      );
      assert.deepEqual(heard.lost, []);
      await lab.line.close();
    },
  );

  check('ends a burst of edges with the level the line has', async (lab) => {
    const heard = listener();
    await lab.line.open(heard);
    for (let i = 0; i < 20; i += 1) await lab.drive(i % 2 === 0 ? 0 : 1);
    await lab.drive(0);
    await until('the last level', () => heard.edges.at(-1)?.level === 0);
    await lab.line.close();
  });

  check('tells when edges happened, if it can, also when this process stood still', async (lab) => {
    const heard = listener();
    await lab.line.open(heard);
    await lab.drive(0);
    standStill(STALL_MS);
    await lab.drive(1);
    await until('the edges', () => heard.edges.at(-1)?.level === 1);
    assert.ok(heard.edges.every(({ isExact }) => isExact === lab.isExact));
    if (lab.isExact) {
      const [first, last] = [heard.edges.at(0)?.atMs ?? 0, heard.edges.at(-1)?.atMs ?? 0];
      assert.ok(last - first >= STALL_MS, `${first} to ${last}`);
    }
    await lab.line.close();
  });

  check('is silent after close, and can be opened and closed again', async (lab) => {
    const first = listener();
    await lab.line.open(first);
    await lab.line.close();
    await lab.line.close();
    await lab.drive(0);
    const second = listener();
    await lab.line.open(second);
    assert.deepEqual(second.opened, [0]);
    await lab.drive(1);
    await until('the edge', () => second.edges.at(-1)?.level === 1);
    assert.deepEqual([first.edges, first.lost], [[], []]);
    await lab.line.close();
  });
}
