/** Which interface the line is reached through. */
import type { GpioLine, LineOptions } from '../ports.ts';
import { OnoffLine } from './onoff-line.ts';
import { SimulatorLine } from './simulator-line.ts';

/** The simulator's line where its socket is given, else the real one. */
export function lineFor(simulatorPath: string | undefined, options: LineOptions): GpioLine {
  return simulatorPath === undefined
    ? new OnoffLine(options)
    : new SimulatorLine(simulatorPath, options);
}
