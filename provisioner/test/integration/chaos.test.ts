/** The real process against a moody cloud: what the log of DPS says afterwards is held to the rules. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FaultRule } from '@holdfast/azure-lab';
import { seededRandom } from '@holdfast/kit/testing';
import { until } from '@holdfast/lab/servers';
import { Bed, FAST, REGISTRATION_ID, startTestCloud } from './bed.ts';

const CHAOS_MS = 25_000;
const RETRY_AFTER_SECONDS = 2;
/** The waits of the bed's settings, a few of them in a row: Retry-After, slow retry, window, poll. */
const CALM_MS = 30_000;
/** Requests in quick succession are taken further and further apart: see core/request.ts. */
const putOffMs = (requests: number) =>
  Math.min(Number(FAST['DPS_INTERVAL_SECONDS']) * 1_000 * 2 ** requests, 1_800_000);

const throttled = {
  kind: 'status',
  status: 429,
  retryAfter: { seconds: RETRY_AFTER_SECONDS },
} as const;
const FAULTS: readonly FaultRule[] = [
  { at: 'dps_register', action: throttled },
  { at: 'dps_poll', action: throttled },
  { at: 'dps_lookup', action: throttled },
  { at: 'dps_register', action: { kind: 'status', status: 503 } },
  { at: 'dps_register', action: { kind: 'process_and_close' } },
  { at: 'dps_poll', action: { kind: 'status', status: 404 } },
  { at: 'dps_lookup', action: { kind: 'status', status: 404 } },
  { at: 'hub_connect', action: { kind: 'connack', code: 5 } },
  { at: 'hub_connect', action: { kind: 'connack', code: 3 } },
  { at: 'hub_connect', action: { kind: 'close' } },
];

test('kills, throttling, refusals, moves, wipes and requests: the rules hold, and it ends connected', async (t) => {
  const seed = Number(process.env['CHAOS_SEED'] ?? 431_015);
  t.diagnostic(`CHAOS_SEED=${seed}`);
  const random = seededRandom(seed);
  await using cloud = await startTestCloud();
  await using bed = await Bed.create(cloud);
  bed.start();
  const move = (hub: string) =>
    cloud.dps.enrol({
      registrationId: REGISTRATION_ID,
      iotHubs: [hub],
      attestation: { type: 'symmetricKey', symmetricKey: { primaryKey: bed.key } },
    });
  /** Spans of answers that a killed process had no time to store. */
  const forgotten: { readonly fromMs: number; readonly toMs: number }[] = [];
  const killAndStart = async () => {
    await bed.process.kill();
    const writtenMs = Number((await bed.state())['written_ms'] ?? 0);
    forgotten.push({ fromMs: writtenMs, toMs: Date.now() });
    bed.start();
  };
  let requests = 0;
  const request = () => {
    requests += 1;
    return bed.redis.client.set('provisioning:request', `${Date.now()} command`);
  };
  const deeds: readonly (() => unknown)[] = [
    killAndStart,
    killAndStart,
    request,
    () => bed.redis.restart(),
    () => bed.redis.client.del('hub:credentials', 'hub:assignment'),
    () => cloud.hubs.forEach((hub) => hub.dropConnections()),
    () => cloud.faults.clear(),
    () => cloud.faults.clear(),
    () => move(random.next() < 0.5 ? 'hub-a' : 'hub-b'),
    ...FAULTS.map(
      (rule) => () => cloud.faults.add({ ...rule, count: 1 + Math.floor(random.next() * 3) }),
    ),
  ];
  const endMs = Date.now() + CHAOS_MS;
  while (Date.now() < endMs) {
    await deeds[Math.floor(random.next() * deeds.length)]?.();
    await bed.hub.follow();
    await new Promise((resolve) => setTimeout(resolve, 100 + 400 * random.next()));
  }
  const asked = bed.asked();
  asked.forEach(({ status, atMs }, i) => {
    const next = asked[i + 1];
    if (status !== 429 || next === undefined) return;
    const lost = forgotten.some(
      ({ fromMs, toMs }) => fromMs < atMs && atMs <= toMs && toMs <= next.atMs,
    );
    if (lost) return;
    const wait = next.atMs - atMs;
    assert.ok(wait >= RETRY_AFTER_SECONDS * 1_000 - 5, `${wait} ms after a 429`);
  });
  const opened = bed.waits('registration', 'lookup');
  for (const wait of opened) assert.ok(wait >= 195, `${wait} ms between two`);
  assert.ok(opened.length < 60, `${opened.length} registrations and lookups`);
  cloud.faults.clear();
  if (!bed.process.running) bed.start();
  await until(
    'a connection',
    async () => {
      await bed.hub.follow();
      await new Promise((resolve) => setTimeout(resolve, 500));
      // A request may still be put off: the state would say so.
      return bed.hub.connected && (await bed.status())['hub'] === 'connected';
    },
    CALM_MS + putOffMs(requests),
  );
});
