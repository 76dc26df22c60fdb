import { readFileSync } from 'node:fs';

/** The kernel's random identity of this boot (random(4)); undefined where the system has none. */
export function readBootId(): string | undefined {
  try {
    const id = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    return id === '' ? undefined : id;
  } catch {
    return undefined;
  }
}
