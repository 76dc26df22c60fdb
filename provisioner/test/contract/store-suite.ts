/** What every store promises. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HubReport } from '../../src/core/outcome.ts';
import type { Store, Written } from '../../src/ports.ts';

export interface StoreBed {
  readonly store: Store;
  /** Somebody sets the request. */
  request(text: string): Promise<void>;
  requested(): Promise<string | undefined>;
  /** The mqtthandler reports. */
  report(report: HubReport): Promise<void>;
  wipe(): Promise<void>;
}

const STATE = { state: 'assigned', memory: '{}', written_ms: '5', boot: 'b' };
const GIVEN = {
  assignment: { generation: '2', host: 'h', device_id: 'd' },
  credentials: { generation: '2', host: 'h', sas_token: 't', not_before_ms: '1' },
};
const WRITTEN: Written = { state: STATE, given: GIVEN };
const REPORT: HubReport = {
  generation: 2,
  attempt: 3,
  atMs: 9_000,
  state: 'lost',
  outcome: 'dropped',
  detail: 'gone',
  heldMs: 4_000,
};

export function storeSuite(name: string, open: () => Promise<StoreBed>): void {
  test(`${name}: nothing is stored at first`, async () => {
    const { store } = await open();
    assert.deepEqual(await store.load(), { state: {}, assignment: {}, usedGeneration: 0 });
  });
  test(`${name}: what is saved is loaded, and is intact`, async () => {
    const { store } = await open();
    await store.save(WRITTEN);
    const { state, assignment } = await store.load();
    assert.deepEqual([state, assignment], [STATE, GIVEN.assignment]);
    assert.equal((await store.inbox(WRITTEN)).intact, true);
  });
  test(`${name}: saving again leaves nothing of before`, async () => {
    const { store } = await open();
    await store.save(WRITTEN);
    const next: Written = { state: { state: 'off', written_ms: '6', boot: 'b' }, given: 'none' };
    await store.save(next);
    assert.deepEqual(await store.load(), { state: next.state, assignment: {}, usedGeneration: 0 });
    assert.equal((await store.inbox(next)).intact, true);
    assert.equal((await store.inbox(WRITTEN)).intact, false);
  });
  test(`${name}: what is wiped is not intact`, async () => {
    const { store, wipe } = await open();
    await store.save(WRITTEN);
    await wipe();
    assert.equal((await store.inbox(WRITTEN)).intact, false);
  });
  test(`${name}: a request stays until that very one is taken`, async () => {
    const { store, request, requested } = await open();
    assert.equal((await store.inbox(WRITTEN)).request, undefined);
    await request('1 button');
    assert.equal((await store.inbox(WRITTEN)).request, '1 button');
    await store.takeRequest('0 command');
    assert.equal(await requested(), '1 button');
    await store.takeRequest('1 button');
    assert.equal(await requested(), undefined);
  });
  test(`${name}: reports arrive, and their generation is known at a start`, async () => {
    const { store, report } = await open();
    assert.equal((await store.inbox(WRITTEN)).report, undefined);
    await report(REPORT);
    assert.deepEqual((await store.inbox(WRITTEN)).report, REPORT);
    assert.equal((await store.load()).usedGeneration, 2);
  });
}
