/**
 * What the sensor's container does with the privileges it has, with a `/sys` made for it: the engine of a
 * build machine may not be able to start a privileged container, and has no I2C bus.
 */
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { ROOT, docker, run } from '@holdfast/lab/containers';
import { dataFolder } from '@holdfast/lab/servers';

const IMAGE = 'holdfast-test_sensor';
/** /dev/null, which every container may have. */
const NUMBERS = '1:3\n';

test('hands a bus to the user node, also one without a device node, and keeps no right', async () => {
  await run('docker', ['build', '-f', 'sensor/Dockerfile', '-t', IMAGE, '.'], { cwd: ROOT });
  const sys = dataFolder('sys');
  await mkdir(join(sys, 'class/i2c-dev/i2c-7'), { recursive: true });
  await writeFile(join(sys, 'class/i2c-dev/i2c-7/dev'), NUMBERS);
  const isolated = `run --rm --read-only --cap-add MKNOD -v ${sys}:/sys:ro ${IMAGE} sh -c`;
  const script =
    'id -un; id -Gn; stat -c "%U %a" /dev/i2c-7; grep -E "CapPrm|NoNew" /proc/self/status';
  const said = await docker(...isolated.split(' '), script);
  assert.equal(
    said.replaceAll(/\s+/g, ' '),
    'node node node 600 CapPrm: 0000000000000000 NoNewPrivs: 1',
  );
});

test('starts where there is no bus at all', async () => {
  const said = await docker('run', '--rm', '--read-only', IMAGE, 'node', '-p', 'process.getuid()');
  assert.equal(said, '1000');
});
