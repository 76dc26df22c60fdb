/** Every row of the decision table for the hub, provoked over the wire. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Cloud, FaultRule } from '@holdfast/azure-lab';
import { until } from '@holdfast/lab/servers';
import { HUB_ROWS } from '../../src/core/hub-rows.ts';
import { Bed, REGISTRATION_ID, startTestCloud } from './bed.ts';

const provoked = new Set<string>();

describe('the hub', () => {
  let cloud: Cloud;
  before(async () => {
    cloud = await startTestCloud();
  });
  after(() => cloud.close());

  function row(id: string, what: string, run: (bed: Bed) => Promise<void>): void {
    provoked.add(id);
    test(`${id}: ${what}`, async () => {
      await using bed = await Bed.create(cloud);
      await run(bed);
    });
  }
  const fault = (rule: FaultRule) => cloud.faults.add(rule);
  const connack = (code: 1 | 2 | 3 | 4 | 5) =>
    fault({ at: 'hub_connect', action: { kind: 'connack', code } });
  const reasonOf = (bed: Bed) => () => bed.state();

  row('hub_connected', 'drops what was planned because of the hub', async (bed) => {
    await bed.connect({ DPS_RETRY_SECONDS: '30', DPS_RETRY_MAX_SECONDS: '30' });
    fault({ at: 'dps_lookup', action: { kind: 'status', status: 503 } });
    const active = fault({ at: 'hub_connect', action: { kind: 'close' } });
    await bed.hub.attempt();
    await bed.untilState('waiting', 'dps_busy');
    active.remove();
    assert.equal(await bed.hub.attempt(), 'ok');
    await bed.untilState('connected');
    assert.equal((await bed.state())['next_attempt_ms'], '');
  });

  for (const code of [2, 4, 5] as const) {
    row(
      'hub_refused_once',
      `CONNACK ${code} gets a fresh token, and DPS is not asked`,
      async (bed) => {
        await bed.connect();
        const { expires_ms: before } = await bed.hub.credentials();
        const active = connack(code);
        assert.equal(await bed.hub.attempt(), `connack_${code}`);
        await bed.untilState('hub_refused', 'hub_refused_once');
        const { expires_ms: fresh } = await bed.hub.credentials();
        assert.ok(Number(fresh) > Number(before));
        active.remove();
        assert.equal(await bed.hub.attempt(), 'ok');
        await bed.untilState('connected');
        assert.equal(bed.asked().length, 2);
      },
    );
  }

  row(
    'hub_refused',
    'again with the fresh token: one registration, and the new hub',
    async (bed) => {
      await bed.connect();
      // What happens when somebody moves the device: its identity at the old hub goes away.
      cloud.dps.enrol({
        registrationId: REGISTRATION_ID,
        iotHubs: ['hub-b'],
        attestation: { type: 'symmetricKey', symmetricKey: { primaryKey: bed.key } },
      });
      cloud.hub('hub-a').registry.delete(REGISTRATION_ID);
      await bed.hub.attempt();
      await bed.untilState('hub_refused', 'hub_refused_once');
      await bed.hub.attempt();
      const { host } = await bed.hub.credentials(2);
      assert.equal(host, cloud.hub('hub-b').host);
      assert.equal(bed.asked('registration').length, 2);
      assert.equal(await bed.hub.attempt(), 'ok');
      await bed.untilState('connected');
    },
  );

  row('hub_refused', 'for ever is registered for more and more slowly', async (bed) => {
    await bed.connect();
    connack(5);
    const deadline = Date.now() + 12_000;
    while (Date.now() < deadline) {
      await bed.hub.attempt();
      await until('the report is seen', async () => {
        const { reason } = await bed.state();
        return reason !== 'hub_connected';
      });
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
    const asked = bed.asked('registration').length;
    assert.ok(asked >= 2 && asked <= 8, `${asked} registrations`);
    const waits = bed.waits('registration').slice(1);
    for (const wait of waits) assert.ok(wait >= 500, `${wait}`);
  });

  row('hub_refused_clock_unsure', 'asks by lookup, which tells the time too', async (bed) => {
    const dir = mkdtempSync(join(tmpdir(), 'holdfast-perl-'));
    try {
      // A kernel that says TIME_ERROR.
      writeFileSync(join(dir, 'perl'), '#!/bin/sh\necho 5\n', { mode: 0o755 });
      await bed.connect({ PATH: `${dir}:/bin` });
      const active = connack(5);
      await bed.hub.attempt();
      await bed.untilState('hub_refused', 'hub_refused_once');
      await bed.hub.attempt();
      await bed.untilAsked(1, 'lookup');
      assert.equal(bed.asked('registration').length, 1);
      active.remove();
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  });

  row(
    'hub_busy',
    'is left alone for a minute, and looked up, never registered for',
    async (bed) => {
      await bed.connect();
      const active = connack(3);
      assert.equal(await bed.hub.attempt(), 'connack_3');
      await bed.untilState('hub_failing', 'hub_busy');
      const { not_before_ms: notBefore } = await bed.hub.credentials();
      assert.ok(Number(notBefore) >= Date.now() + 55_000);
      await bed.untilAsked(3, 'lookup');
      assert.equal(bed.asked('registration').length, 1);
      active.remove();
      await bed.hub.attempt();
      await bed.untilState('connected');
    },
  );

  row('hub_protocol', 'is nothing DPS can help with', async (bed) => {
    await bed.connect();
    connack(1);
    assert.equal(await bed.hub.attempt(), 'connack_1');
    await bed.untilState('hub_failing', 'hub_protocol');
    const { not_before_ms: notBefore } = await bed.hub.credentials();
    assert.ok(Number(notBefore) >= Date.now() + 55_000);
  });

  row('hub_throws_out', 'is left alone for longer and longer, DPS is not asked', async (bed) => {
    await bed.connect({ HUB_RETRY_MINUTES: '1' });
    for (let i = 0; i < 2; i += 1) {
      cloud.hub('hub-a').dropConnections(REGISTRATION_ID);
      await bed.untilState('hub_failing');
      if (i === 0) {
        await bed.hub.attempt();
        await bed.untilState('connected');
      }
    }
    await bed.untilState('hub_failing', 'hub_throws_out');
    const { not_before_ms: notBefore } = await bed.hub.credentials();
    assert.ok(Number(notBefore) >= Date.now() + 55_000);
    assert.deepEqual(bed.asked('lookup'), []);
  });

  row(
    'hub_unreachable',
    'is tried for the whole window, then looked up, then registered for',
    async (bed) => {
      await bed.connect({ HUB_RETRY_MINUTES: '0.05' });
      await cloud.hub('hub-a').goDown();
      try {
        assert.equal(await bed.hub.attempt(), 'network');
        const failedMs = Date.now();
        await bed.untilState('hub_failing', 'hub_unreachable');
        await bed.untilAsked(1, 'lookup');
        const lookedMs = bed.asked('lookup')[0]?.atMs ?? 0;
        assert.ok(
          lookedMs - failedMs >= 2_900 && lookedMs - failedMs < 9_000,
          `${lookedMs - failedMs}`,
        );
        await bed.untilAsked(2, 'registration');
        const again = (bed.asked('registration')[1]?.atMs ?? 0) - lookedMs;
        assert.ok(again >= 2_900, `${again}`);
      } finally {
        await cloud.hub('hub-a').comeUp();
      }
      assert.equal(await bed.hub.attempt(), 'ok');
      await bed.untilState('connected');
      assert.equal((await bed.hub.credentials())['generation'], '1');
    },
  );

  row(
    'hub_refused_fixed',
    'with a connection string gets fresh tokens and longer waits',
    async (bed) => {
      await bed.connect();
      const fixed = {
        DPS_ID_SCOPE: '',
        HUB_CONNECTION_STRING: cloud.hub('hub-a').connectionString(REGISTRATION_ID),
      };
      await bed.restart(fixed);
      await until('the source', async () => {
        return (await bed.redis.client.hget('hub:assignment', 'source')) === 'connection_string';
      });
      const active = connack(5);
      await bed.hub.attemptUntil('hub_refused_fixed', reasonOf(bed));
      const { not_before_ms: notBefore } = await bed.hub.credentials();
      assert.ok(Number(notBefore) >= Date.now() + 55_000);
      active.remove();
      assert.equal(await bed.hub.attempt(), 'ok');
      await bed.untilState('connected');
      assert.equal(bed.asked().length, 2);
    },
  );
});

test('every row of the table for the hub has been provoked', () => {
  assert.deepEqual(
    HUB_ROWS.map(({ id }) => id).filter((id) => !provoked.has(id)),
    [],
  );
});
