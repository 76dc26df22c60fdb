/**
 * The programs of package gpiod, run as children. They find the chip by its label and can set a
 * pull, without a native module. A child ends with this process, also when that is killed, where
 * util-linux is installed.
 */
import { execFile, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { open, readdir } from 'node:fs/promises';
import { errorCode, errorMessage } from '@holdfast/kit';
import { LineError } from '../core/line-error.ts';
import { headerChip, infoArguments, parseConsumer, parseVersion } from '../core/gpiod.ts';
import type { LineArguments } from '../core/gpiod.ts';

export type GpiodTool = 'gpiodetect' | 'gpioget' | 'gpioinfo' | 'gpiomon' | 'gpioset';

const LIMIT_MS = 5_000;
const SETPRIV = '/usr/bin/setpriv';
const DIE_WITH_PARENT = existsSync(SETPRIV) ? [SETPRIV, '--pdeathsig', 'KILL', '--'] : [];

/** Resolves with what it prints; rejects with a LineError. */
export function runTool(tool: GpiodTool, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(tool, args, { timeout: LIMIT_MS }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else if (errorCode(error) === 'ENOENT') reject(noTools(`${tool} is not installed`));
      else reject(new LineError('line_failed', stderr.trim() || errorMessage(error), error));
    });
  });
}

/** Starts one that runs until it is ended; `stdout` and `stderr` are pipes. */
export function startTool(tool: GpiodTool, args: readonly string[]): ChildProcess {
  const [command = tool, ...all] = [...DIE_WITH_PARENT, tool, ...args];
  return spawn(command, all, { stdio: ['ignore', 'pipe', 'pipe'] });
}

/** Ends a child; resolves when it has gone. */
export async function endTool(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  await ended;
}

/** Finds the line on the header's chip; rejects with a LineError that says what is missing. */
export async function findLine(pin: number): Promise<LineArguments> {
  const told = await runTool('gpiomon', ['--version']);
  const version = parseVersion(told);
  if (version === undefined) {
    const [name = ''] = told.trim().split('\n');
    throw noTools(`gpiomon says it is "${name}", and only versions 1.x and 2.x are known here`);
  }
  await checkDevices();
  return { version, chip: headerChip(await runTool('gpiodetect', []), pin), pin };
}

/** Who uses the line; undefined = nobody. */
export async function consumer(line: LineArguments): Promise<string | undefined> {
  const output = await runTool('gpioinfo', infoArguments(line));
  return parseConsumer(line.version, output, line.pin);
}

async function checkDevices(): Promise<void> {
  const devices = (await readdir('/dev')).filter((name) => /^gpiochip\d+$/.test(name));
  if (devices.length === 0) {
    throw new LineError(
      'no_gpio_device',
      'no /dev/gpiochip*: this is not a Raspberry Pi, or the container is not given them',
    );
  }
  for (const device of devices) {
    try {
      await (await open(`/dev/${device}`, 'r+')).close();
    } catch (error) {
      const hint = 'the container needs to be privileged, or to be given the device';
      throw new LineError('no_permission', `may not use /dev/${device}: ${hint}`, error);
    }
  }
}

function noTools(what: string): LineError {
  return new LineError(
    'no_gpiod_tools',
    `${what}: the package gpiod is needed for the character device`,
  );
}
