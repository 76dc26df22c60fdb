/**
 * What takes a process down that uses the official MQTT transport without a guard (1.8.1): why
 * devices had better register over HTTPS. Should a newer package pass, these tests say so.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { FaultRule } from '../../src/faults.ts';
import { addressOf, primaryKey, startTestCloud } from './dps-target.ts';

const DEVICE = fileURLToPath(new URL('dps-crash-device.ts', import.meta.url));

/** Exit code and what was written to stderr of a device under this fault. */
async function fateUnder(fault: Omit<FaultRule, 'count'> | undefined) {
  await using cloud = await startTestCloud({ pollsUntilAssigned: 1 });
  const key = primaryKey(cloud.dps.enrol({ registrationId: 'rover-1' }));
  if (fault !== undefined) cloud.faults.add({ ...fault, count: 1 });
  const order = JSON.stringify({ address: addressOf(cloud), registrationId: 'rover-1', key });
  const child = spawn(process.execPath, ['--import', 'tsx', DEVICE, order], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let stderr = '';
  child.stderr.on('data', (text: Buffer) => (stderr += text.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stderr };
}

test('left alone, the device registers', async () => {
  assert.equal((await fateUnder(undefined)).code, 0);
});

test('a connection lost while the registration is under way brings the process down', async () => {
  const { code, stderr } = await fateUnder({ at: 'dps_register', action: { kind: 'close' } });
  assert.equal(code, 1);
  assert.match(stderr, /azure-iot-provisioning-device-mqtt/);
});

test('an answer that is no JSON brings the process down', async () => {
  const action = { kind: 'body', text: '<html>' } as const;
  const { code, stderr } = await fateUnder({ at: 'dps_register', action });
  assert.equal(code, 1);
  assert.match(stderr, /SyntaxError/);
});
