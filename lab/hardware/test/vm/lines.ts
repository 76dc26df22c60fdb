/** The button's two interfaces to the kernel, and every way in which a line can be missing. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { until } from '@holdfast/lab/servers';
import { GpiodLine } from '../../../../startstopbutton/src/adapters/gpiod-line.ts';
import { GpiodLamp, OnoffLamp } from '../../../../startstopbutton/src/adapters/lamps.ts';
import { lampFor, lineFor } from '../../../../startstopbutton/src/adapters/line.ts';
import { OnoffLine } from '../../../../startstopbutton/src/adapters/onoff-line.ts';
import { lineState, play } from './gpio.ts';

const SILENT = { onOpened: () => {}, onEdge: () => {}, onLost: () => {} };
const AUTO = { simulatorPath: undefined, backend: 'auto' } as const;
const BASE = 512;
const SYSFS = '/sys/class/gpio';
const NOBODY = 65_534;

/** A kernel without CONFIG_GPIO_SYSFS, as far as a program can see. */
async function withoutSysfs(body: () => Promise<void>): Promise<void> {
  execFileSync('mount', ['-t', 'tmpfs', 'none', '/sys/class']);
  try {
    await body();
  } finally {
    execFileSync('umount', ['/sys/class']);
  }
}

async function asNobody(body: () => Promise<void>): Promise<void> {
  process.seteuid?.(NOBODY);
  try {
    await body();
  } finally {
    process.seteuid?.(0);
  }
}

describe('lines', () => {
  test('sysfs: the number is found by the label of the chip, or taken from GPIO_BASE', async () => {
    for (const sysfsBase of [undefined, BASE]) {
      const line = new OnoffLine({ pin: 17, pull: 'DOWN', sysfsBase });
      await line.open(SILENT);
      assert.ok(existsSync(`${SYSFS}/gpio${BASE + 17}`));
      assert.deepEqual(line.remarks, []);
      await line.close();
      assert.ok(!existsSync(`${SYSFS}/gpio${BASE + 17}`));
    }
    const wrong = new OnoffLine({ pin: 17, pull: 'DOWN', sysfsBase: 3_000 });
    await assert.rejects(wrong.open(SILENT), { code: 'no_such_line', message: /GPIO_BASE/ });
  });

  test('sysfs: a pull that it cannot set is explained', async () => {
    const line = new OnoffLine({ pin: 17, pull: 'UP' });
    await line.open(SILENT);
    assert.match(line.remarks.join(), /gpio=17=ip,pu into config\.txt.*BALENA_HOST_CONFIG_gpio/);
    assert.equal((await lineState(17))?.pull, 'down');
    await line.close();
  });

  test('sysfs: a line somebody exported is taken over, and that is said', async () => {
    writeFileSync(`${SYSFS}/export`, String(BASE + 5));
    const line = new OnoffLine({ pin: 5, pull: 'UP' });
    await line.open(SILENT);
    assert.match(line.remarks.join(), /GPIO 5 was exported already/);
    await line.close();
  });

  test('sysfs: a line the character device has is taken', async () => {
    const holder = new GpiodLine({ pin: 6, pull: 'UP' });
    await holder.open(SILENT);
    const line = new OnoffLine({ pin: 6, pull: 'UP' });
    await assert.rejects(line.open(SILENT), { code: 'line_busy', message: /GPIO 6.*is taken/ });
    await holder.close();
    await line.open(SILENT);
    await line.close();
  });

  test('character device: a line sysfs has is taken, and by whom is said', async () => {
    const holder = new OnoffLine({ pin: 6, pull: 'UP' });
    await holder.open(SILENT);
    const line = new GpiodLine({ pin: 6, pull: 'UP' });
    await assert.rejects(line.open(SILENT), { code: 'line_busy', message: /"sysfs"/ });
    await holder.close();
    await line.close();
  });

  test('character device: sets the pull itself', async () => {
    const line = new GpiodLine({ pin: 17, pull: 'UP' });
    const opened: number[] = [];
    await line.open({ ...SILENT, onOpened: (level) => opened.push(level) });
    assert.deepEqual(opened, [1]);
    assert.equal((await lineState(17))?.pull, 'up');
    await line.close();
    const none = new GpiodLine({ pin: 99, pull: 'UP' });
    await assert.rejects(none.open(SILENT), { code: 'no_such_line', message: /0 to 57/ });
  });

  test('character device: a monitor that is killed loses the line', async () => {
    const line = new GpiodLine({ pin: 18, pull: 'UP' });
    const lost: string[] = [];
    await line.open({ ...SILENT, onLost: ({ code }) => lost.push(code) });
    execFileSync('sh', ['-c', 'kill -9 $(pidof gpiomon)']);
    await until('the loss', () => lost.length === 1);
    assert.deepEqual(lost, ['line_lost']);
    await line.close();
  });

  test('without permission either says what is needed', async () => {
    await asNobody(async () => {
      for (const line of [OnoffLine, GpiodLine].map((Line) => new Line({ pin: 19, pull: 'UP' }))) {
        await assert.rejects(line.open(SILENT), { code: 'no_permission', message: /privileged/ });
      }
    });
  });

  test('auto takes sysfs, and the character device where there is none', async () => {
    const line = lineFor(AUTO, { pin: 20, pull: 'UP' });
    await line.open(SILENT);
    assert.equal(line.backend, 'onoff');
    await line.close();
    await withoutSysfs(async () => {
      const sysfs = new OnoffLine({ pin: 20, pull: 'UP' });
      await assert.rejects(sysfs.open(SILENT), { code: 'no_sysfs_gpio', message: /CONFIG_GPIO/ });
      const edges: number[] = [];
      await line.open({ ...SILENT, onEdge: (level) => edges.push(level) });
      assert.equal(line.backend, 'gpiomon');
      await play(20, '0@5000 z');
      await until('the edges', () => edges.length === 2);
      assert.deepEqual(edges, [0, 1]);
      await line.close();
    });
  });

  test('lamps light on both interfaces, and on the one there is', async () => {
    const options = { pin: 22, pull: 'NONE' } as const;
    for (const lamp of [new OnoffLamp(options), new GpiodLamp(options), lampFor(AUTO, options)]) {
      await lamp.open();
      for (const level of [1, 0, 1] as const) {
        await lamp.show(level);
        await until('the level', async () => (await lineState(22))?.level === level);
      }
      await lamp.show(0);
      await until('the level', async () => (await lineState(22))?.level === 0);
      await lamp.close();
    }
  });
});
