/** The machine as a sensor: what the kernel's text files say. Each parser returns undefined for text
 * it does not understand; the quantity is then left out. Sources: proc(5), sysfs ABI "thermal". */
import type { QuantityRanges } from './quality.ts';

const BYTES_MAX = 2 ** 53;

export const HOST_RANGES: QuantityRanges = {
  // A Pi throttles at 80 to 85 °C and switches off far below 125 °C.
  cpu_temperature_celsius: { min: -40, max: 125, decimals: 1 },
  load_1m: { min: 0, max: 100_000, decimals: 2 },
  memory_free_bytes: { min: 0, max: BYTES_MAX, decimals: 0 },
  disk_free_bytes: { min: 0, max: BYTES_MAX, decimals: 0 },
  clock_synchronised: { min: 0, max: 1, decimals: 0 },
};

/** Types of thermal zones that are the processor, the best first. */
const CPU_ZONES = [/^cpu[-_]?thermal/, /^x86_pkg_temp$/, /cpu|soc|core/];

/** Which thermal zone is the processor's; `types` = contents of the `type` files. */
export function cpuZoneIndex(types: readonly string[]): number | undefined {
  for (const pattern of CPU_ZONES) {
    const index = types.findIndex((type) => pattern.test(type.trim().toLowerCase()));
    if (index >= 0) return index;
  }
  return types.length > 0 ? 0 : undefined;
}

/** `/sys/class/thermal/thermal_zone<n>/temp`: thousandths of a degree. */
export function parseThermal(text: string): number | undefined {
  return /^-?\d+\s*$/.test(text) ? Number(text) / 1000 : undefined;
}

/** `/proc/loadavg`: the first number is the mean over a minute. */
export function parseLoad(text: string): number | undefined {
  const match = /^(\d+\.\d+)\s/.exec(text);
  return match === null ? undefined : Number(match[1]);
}

/** `/proc/meminfo`: what programs could still get, caches that can go included. */
export function parseMemory(text: string): number | undefined {
  const match = /^MemAvailable:\s+(\d+) kB$/m.exec(text);
  return match === null ? undefined : Number(match[1]) * 1024;
}

/** The kernel's boot id, shortened: the identity of this boot of the device. */
export function shortBootId(text: string): string {
  return text.trim().replaceAll('-', '').slice(0, 12);
}

/** The quantities that are known; undefined ones are left out. */
export function known(
  quantities: Readonly<Record<string, number | undefined>>,
): Record<string, number> {
  const found: Record<string, number> = {};
  for (const [name, value] of Object.entries(quantities)) {
    if (value !== undefined) found[name] = value;
  }
  return found;
}
