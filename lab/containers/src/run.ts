/** Commands of other programs, with what they said in the error when they fail. */
import { execFile } from 'node:child_process';

const MAX_OUTPUT_BYTES = 64 * 1024 * 1024;
const SHOWN_CHARACTERS = 3_000;

export interface RunOptions {
  readonly cwd?: string;
  /** Beside those of this process. */
  readonly env?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
}

/** What the command printed, stderr behind stdout; rejects when it ends with another code than 0. */
export async function run(
  command: string,
  args: readonly string[],
  { cwd, env, timeoutMs = 600_000 }: RunOptions = {},
): Promise<string> {
  const options = { cwd, env: { ...process.env, ...env }, timeout: timeoutMs };
  return new Promise((resolve, reject) => {
    const limits = { ...options, maxBuffer: MAX_OUTPUT_BYTES };
    execFile(command, args, limits, (error, stdout, stderr) => {
      const output = `${stdout}${stderr}`;
      if (error === null) resolve(output);
      else {
        const said = output.slice(-SHOWN_CHARACTERS);
        reject(new Error(`${command} ${args.join(' ')}: ${said}`, { cause: error }));
      }
    });
  });
}

/** `docker` with these arguments; the output without the last line end. */
export async function docker(...args: readonly string[]): Promise<string> {
  return (await run('docker', args)).trimEnd();
}

/** The compose command of this machine: the plugin, or the program of version 1. */
export async function composeCommand(): Promise<readonly string[]> {
  try {
    await run('docker', ['compose', 'version']);
    return ['docker', 'compose'];
  } catch {
    return ['docker-compose'];
  }
}
