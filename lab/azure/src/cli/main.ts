/**
 * The command line of the local cloud. Exit codes: 0 done, 1 the cloud refused or is not there,
 * 2 typed wrongly.
 */
import { errorMessage } from '@holdfast/kit';
import { EnrolmentError } from '../dps/index.ts';
import { AdminClient, ClientError, DEFAULT_ADMIN } from './client.ts';
import { UsageError, columns, describe, parseGiven } from './command.ts';
import type { Command } from './command.ts';
import { COMMANDS } from './commands.ts';
import { say } from './print.ts';

function overview(): string {
  const rows = COMMANDS.map(({ name, arguments: args, summary }) => [`${name} ${args}`, summary]);
  return [
    'holdfast-cloud: a local Azure Device Provisioning Service with IoT Hubs\n\n',
    columns(rows),
    '\n  holdfast-cloud COMMAND --help tells its options.\n',
    '  HOLDFAST_CLOUD=URL names the admin API of a cloud that is elsewhere.\n',
  ].join('');
}

async function main(argv: readonly string[]): Promise<number> {
  const [name, ...rest] = argv;
  if (name === undefined || name === '--help' || name === 'help') {
    say(overview());
    return name === undefined ? 2 : 0;
  }
  const command = COMMANDS.find((known) => known.name === name);
  if (command === undefined) {
    process.stderr.write(`holdfast-cloud: there is no command ${name}\n\n${overview()}`);
    return 2;
  }
  return run(command, rest);
}

async function run(command: Command, argv: readonly string[]): Promise<number> {
  try {
    const given = parseGiven(command, argv);
    if (given.flag('help')) {
      say(describe(command));
      return 0;
    }
    const admin = given.text('admin') ?? (process.env['HOLDFAST_CLOUD'] || DEFAULT_ADMIN);
    await command.run(given, new AdminClient(admin));
    return 0;
  } catch (error) {
    process.stderr.write(`holdfast-cloud: ${errorMessage(error)}\n`);
    if (error instanceof UsageError) {
      process.stderr.write(`\n${describe(command)}`);
      return 2;
    }
    if (!isExpected(error) && error instanceof Error) process.stderr.write(`${error.stack}\n`);
    return 1;
  }
}

/** Refused, or by the system: a port that is taken, a file that is not there. */
function isExpected(error: unknown): boolean {
  if (error instanceof ClientError || error instanceof EnrolmentError) return true;
  return error instanceof Error && 'syscall' in error;
}

process.exitCode = await main(process.argv.slice(2));
