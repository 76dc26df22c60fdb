/** `mqtthandler:status`, from which the dashboard, the lamp and `get_status` tell how things are. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { service, startRedis, until } from '@holdfast/lab/servers';
import { KEYS } from '@holdfast/redis';

test('a destination that is no longer set up does not stay "connected" in the status', async () => {
  await using redis = await startRedis();
  const { key } = KEYS.handlerStatus;
  const earlier = { mqtt_state: 'connected', mqtt_gap_readings: '7', hub_state: 'connecting' };
  await redis.client.hset(key, { started: '1', backlog: '0', ...earlier });
  await using handler = service('mqtthandler', { ...redis.env });
  handler.start();
  await until('the new life reports', async () => {
    const started = await redis.client.hget(key, 'started');
    return started !== null && started !== '1';
  });
  const names = Object.keys(await redis.client.hgetall(key));
  const stale = names.filter((name) => /^(mqtt|hub)_/.test(name));
  assert.deepEqual(stale, []);
});
