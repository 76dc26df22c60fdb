import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { lineError } from '../../src/adapters/onoff-line.ts';
import { readChips } from '../../src/adapters/sysfs-chips.ts';

test('chips are read from the files of sysfs, other entries are left alone', async () => {
  const root = await mkdtemp(join(tmpdir(), 'holdfast-sysfs-'));
  const folder = join(root, 'gpiochip512');
  await mkdir(folder);
  await writeFile(join(root, 'export'), '');
  await mkdir(join(root, 'gpio514'));
  await writeFile(join(folder, 'label'), 'pinctrl-bcm2711\n');
  await writeFile(join(folder, 'base'), '512\n');
  await writeFile(join(folder, 'ngpio'), '58\n');
  assert.deepEqual(await readChips(root), [{ label: 'pinctrl-bcm2711', base: 512, ngpio: 58 }]);
  await rm(root, { recursive: true });
  await assert.rejects(readChips(root), { code: 'no_sysfs_gpio' });
});

function system(code: string): Error {
  return Object.assign(new Error(code), { code });
}

test('errors of exporting are told apart by what can be done about them', () => {
  assert.equal(lineError(system('EBUSY'), 'GPIO 7').code, 'line_busy');
  assert.equal(lineError(system('EACCES'), 'GPIO 7').code, 'no_permission');
  assert.equal(lineError(system('EROFS'), 'GPIO 7').code, 'no_permission');
  assert.equal(lineError(system('EINVAL'), 'GPIO 7').code, 'no_such_line');
  assert.equal(lineError(system('EIO'), 'GPIO 7').code, 'line_failed');
  assert.match(lineError(system('EBUSY'), 'GPIO 7').message, /GPIO 7 is taken/);
});
