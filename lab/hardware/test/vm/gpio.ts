/** The hand on the VM's GPIO chip (lab/hardware/labgpio): drives lines and looks at them. */
import { readFile, writeFile } from 'node:fs/promises';

const CHIP = '/sys/devices/platform/labgpio.0';

export interface LineState {
  readonly direction: 'in' | 'out';
  readonly level: number;
  readonly pull: string;
  /** Changes of level since the start. */
  readonly edges: number;
}

/** Steps as the chip takes them: `0@700 z@400` = low for 700 us, let go for 400 us, ... */
export async function play(line: number, steps: string): Promise<void> {
  await writeFile(`${CHIP}/drive`, `${line} ${steps}`);
}

/** A push button to ground, held in one go; with contact bounce at both ends. */
export async function press(line: number, holdMs: number, bounces = 5): Promise<void> {
  const closing = '0@700 z@400 '.repeat(bounces);
  const opening = 'z@500 0@300 '.repeat(bounces);
  await play(line, `${closing}0@${holdMs * 1_000} ${opening}z`);
}

/** What has ever been driven, was an output or listens; undefined = an untouched line. */
export async function lineState(line: number): Promise<LineState | undefined> {
  const lines = await readFile(`${CHIP}/lines`, 'utf8');
  const fields = lines.split('\n').find((text) => text.startsWith(`${line} `));
  const match = /^\d+ (in|out) ([01]) .*pull=(\w+) .*edges=(\d+)$/.exec(fields ?? '');
  if (match === null) return undefined;
  const [, direction, level, pull = '', edges] = match;
  return {
    direction: direction === 'out' ? 'out' : 'in',
    level: Number(level),
    pull,
    edges: Number(edges),
  };
}
