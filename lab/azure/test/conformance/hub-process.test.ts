/** The official client in a process of its own, and what takes that process down. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { LAB_ONLY, startBench } from './device-client.ts';
import type { Bench } from './device-client.ts';

const DEVICE = fileURLToPath(new URL('hub-process-device.ts', import.meta.url));

async function fate(bench: Bench): Promise<{ code: number | null; stderr: string }> {
  const child = spawn(process.execPath, ['--import', 'tsx', DEVICE, bench.connectionString], {
    env: { ...process.env, NODE_EXTRA_CA_CERTS: bench.cloud.caFile },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let stderr = '';
  child.stderr.on('data', (text: Buffer) => (stderr += text.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stderr };
}

test('a process trusts the lab by NODE_EXTRA_CA_CERTS alone', LAB_ONLY, async () => {
  await using bench = await startBench();
  assert.deepEqual(await fate(bench), { code: 0, stderr: '' });
  assert.equal(bench.hub.messages.total, 1);
});

test('a twin read refused without a body brings the process down', LAB_ONLY, async () => {
  await using bench = await startBench();
  bench.cloud.faults.add({ at: 'twin_get', action: { kind: 'status', status: 429, body: '' } });
  const { code, stderr } = await fate(bench);
  assert.equal(code, 1);
  assert.match(stderr, /TypeError/);
});
