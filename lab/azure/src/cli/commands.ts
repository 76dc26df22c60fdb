/** Every command, in the order of the help. */
import type { Command } from './command.ts';
import { dpsCommands } from './dps-commands.ts';
import { faultCommands } from './fault-commands.ts';
import { hubCommands } from './hub-commands.ts';
import { startCommand } from './start.ts';

export const COMMANDS: readonly Command[] = [
  startCommand,
  ...dpsCommands,
  ...hubCommands,
  ...faultCommands,
];
