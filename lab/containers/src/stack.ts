/**
 * The services in containers, by docker compose: a project of its own per stack, with volumes and
 * network, gone without a trace on dispose. Services that are killed come back by the engine's restart
 * policy, as on a device.
 */
import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { until } from '@holdfast/lab/servers';
import type { StreamEntry } from '@holdfast/redis';
import { composeCommand, docker, run } from './run.ts';

export const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

export interface StackOptions {
  /** Compose files, from `folder`; the first one's folder is where relative paths start. */
  readonly files: readonly string[];
  /** Of the sources; this repository by default. */
  readonly folder?: string;
  /** For the variables in the compose files. */
  readonly env?: Readonly<Record<string, string>>;
  /** Tells stacks apart; images are named after it. By chance by default. */
  readonly project?: string;
}

export interface ContainerState {
  readonly Id: string;
  readonly RestartCount: number;
  readonly State: {
    readonly Pid: number;
    readonly Running: boolean;
    readonly ExitCode: number;
    readonly Health?: { readonly Status: string };
  };
}

export class ComposeStack implements AsyncDisposable {
  readonly project: string;
  readonly #options: StackOptions;
  readonly #command: readonly string[];

  private constructor(options: StackOptions, command: readonly string[]) {
    this.#options = options;
    this.#command = command;
    this.project = options.project ?? `holdfast-${randomBytes(4).toString('hex')}`;
  }

  /** Nothing is built or started yet. */
  static async create(options: StackOptions): Promise<ComposeStack> {
    return new ComposeStack(options, await composeCommand());
  }

  /** A command of docker compose; resolves with what it printed. */
  async compose(...args: readonly string[]): Promise<string> {
    const { files, folder = ROOT, env = {} } = this.#options;
    const [program = '', ...words] = this.#command;
    const given = files.flatMap((file) => ['-f', file]);
    const all = [...words, '-p', this.project, ...given, ...args];
    return run(program, all, { cwd: folder, env });
  }

  async up(...services: readonly string[]): Promise<void> {
    await this.compose('up', '-d', '--no-build', ...services);
  }

  /** Id of the service's container, running or not. */
  async container(service: string): Promise<string> {
    const labels = { project: this.project, service };
    const filters = Object.entries(labels).flatMap(([name, value]) => [
      '--filter',
      `label=com.docker.compose.${name}=${value}`,
    ]);
    const [id] = (await docker('ps', '-aq', '--no-trunc', ...filters)).split('\n');
    if (id === undefined || id === '') throw new Error(`${service} has no container`);
    return id;
  }

  async inspect(service: string): Promise<ContainerState> {
    const [state] = JSON.parse(await docker('inspect', await this.container(service))) as [
      ContainerState,
    ];
    return state;
  }

  /** Runs a command in the service's container. */
  async exec(service: string, ...command: readonly string[]): Promise<string> {
    return docker('exec', await this.container(service), ...command);
  }

  /** Its log lines, of all its starts. */
  async lines(service: string): Promise<string[]> {
    return (await docker('logs', await this.container(service))).split('\n');
  }

  /** A power cut for one service: SIGKILL; the engine starts it again. */
  async kill(service: string): Promise<void> {
    const before = await this.inspect(service);
    // To the process, not to the container: the engine does not restart what it was told to kill.
    process.kill(before.State.Pid, 'SIGKILL');
    await until(
      `${service} is started again`,
      async () => {
        const { State, RestartCount } = await this.inspect(service);
        return State.Running && RestartCount > before.RestartCount;
      },
      60_000,
    );
  }

  /** A Redis command as its administrator, answered as JSON. */
  async redis(...command: readonly string[]): Promise<unknown> {
    const script =
      'REDISCLI_AUTH=$(cat /credentials/redis/password) exec redis-cli --user redis --no-auth-warning --json "$@"';
    return JSON.parse(await this.exec('redis', 'sh', '-c', script, 'sh', ...command)) as unknown;
  }

  /** The whole buffer. */
  async stream(): Promise<readonly StreamEntry[]> {
    return (await this.redis('xrange', 'measurement:values', '-', '+')) as StreamEntry[];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.compose('down', '--volumes', '--remove-orphans', '--timeout', '5');
  }
}
