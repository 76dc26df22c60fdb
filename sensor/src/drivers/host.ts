/**
 * The machine itself as a sensor: real readings where no chip is attached. What this machine does
 * not tell (no thermal zone in a VM, no way to know about the clock) is left out.
 */
import { readFile, readdir, stat, statfs } from 'node:fs/promises';
import {
  HOST_RANGES,
  cpuZoneIndex,
  known,
  parseLoad,
  parseMemory,
  parseThermal,
} from '../core/host.ts';
import { HardwareError } from '../core/hardware-error.ts';
import type { Measurement } from '../core/measurement.ts';
import { NEVER_STUCK } from '../core/stuck.ts';
import type { Probe, Sensor } from '../ports.ts';

const THERMAL = '/sys/class/thermal';
/** systemd-timesyncd(8): its folder is there while it runs, the file since the clock was set. */
const TIMESYNC = '/run/systemd/timesync';
/** In a container: the data partition, which holds Redis' data too. */
const DISK = '/';

async function textOf(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch(() => undefined);
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

/** The file with the processor's temperature; undefined where there is none. */
async function findThermal(): Promise<string | undefined> {
  const names = await readdir(THERMAL).catch(() => []);
  const zones = names.filter((name) => /^thermal_zone\d+$/.test(name)).toSorted();
  const types = await Promise.all(zones.map(async (z) => textOf(`${THERMAL}/${z}/type`)));
  const index = cpuZoneIndex(types.map((type) => type ?? ''));
  return index === undefined ? undefined : `${THERMAL}/${zones[index]}/temp`;
}

async function clockSynchronised(): Promise<number | undefined> {
  if (!(await exists(TIMESYNC))) return undefined;
  return (await exists(`${TIMESYNC}/synchronized`)) ? 1 : 0;
}

async function diskFreeBytes(): Promise<number | undefined> {
  return statfs(DISK).then(
    (fs) => fs.bavail * fs.bsize,
    () => undefined,
  );
}

async function measure(thermal: string | undefined): Promise<Measurement> {
  const [temperature, load, memory, disk, clock] = await Promise.all([
    thermal === undefined ? undefined : textOf(thermal),
    textOf('/proc/loadavg'),
    textOf('/proc/meminfo'),
    diskFreeBytes(),
    clockSynchronised(),
  ]);
  const quantities = known({
    cpu_temperature_celsius: parseThermal(temperature ?? ''),
    load_1m: parseLoad(load ?? ''),
    memory_free_bytes: parseMemory(memory ?? ''),
    disk_free_bytes: disk,
    clock_synchronised: clock,
  });
  if (Object.keys(quantities).length === 0) {
    throw new HardwareError('NO_DATA', 'this machine tells nothing about itself');
  }
  return { quantities };
}

export const hostSensor: Sensor = {
  id: 'host',
  ranges: HOST_RANGES,
  stuck: NEVER_STUCK,
  async open(): Promise<Probe> {
    const thermal = await findThermal();
    return { measure: () => measure(thermal) };
  },
};
