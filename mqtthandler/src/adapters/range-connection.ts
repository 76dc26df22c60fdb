/**
 * A connection to Redis for one thing: ranges of the stream, as the bytes Redis sends.
 *
 * ioredis makes a string of each name and value, some twenty for a reading; a script that hands out
 * one JSON text instead costs Redis 8 us a reading, XRANGE itself 2 (2026-11-22, the machine of
 * README.md, "Measured"). Neither is needed to copy readings from one message into another. The
 * state is small: connect, log in, ask, take the reply; one question at a time. Whatever is unusual
 * is left to ioredis, which asks again and says what is wrong.
 *
 * Each question is followed by ECHO with a word nobody else knows: where its answer ends the bytes,
 * the reply before it is whole, and no byte of it had to be looked at. (Not PING: Redis refuses it
 * while its disk is full.)
 */
import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { COMMAND_TIMEOUT_MS } from '@holdfast/redis';
import type { Redis } from '@holdfast/redis';

const ERROR = 0x2d;

/** Read from the socket at a time. */
const CHUNK_BYTES = 65_536;
/** Of memory for large replies, so many are kept: one being turned, one being read. */
const KEPT = 2;

/** A reply; its bytes are valid until `release`. */
export interface RangeReply {
  readonly bytes: Buffer;
  release(): void;
}

/** Why there is no reply; `too_large`: it has been read and dropped. */
export type NoReply = 'unavailable' | 'too_large';

interface Question {
  readonly resolve: (reply: RangeReply | 'too_large') => void;
  readonly reject: (error: Error) => void;
  memory: Buffer | undefined;
  bytes: number;
  tooLarge: boolean;
  /** Several answers in one, and no entries among them. */
  readonly greeting: boolean;
}

export class RangeConnection {
  readonly #redis: Redis;
  readonly #maxBytes: number;
  readonly #timeoutMs: number;
  readonly #chunk = Buffer.allocUnsafeSlow(CHUNK_BYTES);
  readonly #free: Buffer[] = [];
  #socket: Socket | undefined;
  #word = '';
  #end: Buffer = Buffer.alloc(0);
  #question: Question | undefined;
  #turn: Promise<unknown> = Promise.resolve();

  /**
   * @param redis says where to, and as whom; the two connections end together
   * @param maxBytes of a reply
   */
  constructor(redis: Redis, maxBytes: number, timeoutMs = COMMAND_TIMEOUT_MS) {
    this.#redis = redis;
    this.#maxBytes = maxBytes;
    this.#timeoutMs = timeoutMs;
    redis.on('close', () => this.#drop(closed()));
  }

  /** Whether the service's own connection is there to log in like. */
  get ready(): boolean {
    return this.#redis.status === 'ready';
  }

  /**
   * XRANGE; rejects when the connection breaks, as Redis breaks it at a reply of 32 MB (redis.conf),
   * or does not answer in time.
   */
  async read(
    key: string,
    start: string,
    end: string,
    count: number,
  ): Promise<RangeReply | NoReply> {
    const turn = this.#turn.then(async () => {
      if (this.#socket === undefined && !(await this.#open())) return 'unavailable';
      return await this.#ask(command('XRANGE', key, start, end, 'COUNT', String(count)), false);
    });
    this.#turn = turn.catch(() => {});
    return await turn;
  }

  /** Resolves false when there is no connection to be had. */
  async #open(): Promise<boolean> {
    const { host, port, username, password, db, connectionName } = this.#redis.options;
    if (!this.ready || host === undefined || port === undefined) return false;
    this.#word = randomBytes(16).toString('hex');
    this.#end = Buffer.from(`$${this.#word.length}\r\n${this.#word}\r\n`);
    const socket = connect({
      host,
      port,
      noDelay: true,
      keepAlive: true,
      onread: { buffer: this.#chunk, callback: (bytes) => this.#take(bytes) },
    });
    this.#socket = socket;
    let failure = closed();
    socket.setTimeout(this.#timeoutMs);
    socket.on('timeout', () => {
      if (this.#question === undefined) return;
      this.#drop(new Error('Command timed out'));
      // As ioredis does itself when Redis stands still: nobody else need wait to find that out.
      this.#redis.disconnect(true);
    });
    socket.on('error', (error) => (failure = error));
    socket.on('close', () => {
      if (this.#socket === socket) this.#drop(failure);
    });
    const greeting = [
      ...(password ? [command('AUTH', ...(username ? [username] : []), password)] : []),
      ...(db ? [command('SELECT', String(db))] : []),
      command('CLIENT', 'SETNAME', `${connectionName ?? ''}:ranges`),
    ];
    try {
      const reply = await this.#ask(greeting.join(''), true);
      const welcome = reply === 'too_large' ? '' : reply.bytes.toString('latin1');
      if (welcome === '+OK\r\n'.repeat(greeting.length)) return true;
    } catch {
      // As any other refusal.
    }
    this.#drop(closed());
    return false;
  }

  #drop(error: Error): void {
    this.#socket?.destroy();
    this.#socket = undefined;
    this.#question?.reject(error);
    this.#question = undefined;
  }

  async #ask(text: string, greeting: boolean): Promise<RangeReply | 'too_large'> {
    return await new Promise((resolve, reject) => {
      this.#question = { resolve, reject, memory: undefined, bytes: 0, tooLarge: false, greeting };
      this.#socket?.write(text + command('ECHO', this.#word), 'utf8');
    });
  }

  /** `bytes` have come into the chunk; always true: read on. */
  #take(bytes: number): boolean {
    const question = this.#question;
    const chunk = this.#chunk.subarray(0, bytes);
    if (question === undefined) {
      // Nobody has asked: this is not a Redis as we know it.
      this.#drop(new Error('Protocol error'));
    } else if (isRefused(question, chunk)) {
      this.#drop(new Error(chunk.toString('latin1').trim()));
    } else if (question.bytes === 0 && this.#endsWith(chunk)) {
      // Most replies are small.
      const reply = Buffer.from(chunk.subarray(0, bytes - this.#end.length));
      this.#answer(question, { bytes: reply, release: () => {} });
    } else {
      this.#gather(question, chunk);
    }
    return true;
  }

  #gather(question: Question, chunk: Buffer): void {
    const memory = (question.memory ??=
      this.#free.pop() ?? Buffer.allocUnsafeSlow(this.#maxBytes + CHUNK_BYTES));
    if (question.bytes + chunk.length > memory.length) {
      // Only its end is of interest now.
      question.tooLarge = true;
      const kept = Math.min(question.bytes, this.#end.length);
      memory.copyWithin(0, question.bytes - kept, question.bytes);
      question.bytes = kept;
    }
    question.bytes += chunk.copy(memory, question.bytes);
    if (!this.#endsWith(memory.subarray(0, question.bytes))) return;
    const release = () => {
      if (this.#free.length < KEPT) this.#free.push(memory);
    };
    if (question.tooLarge) {
      release();
      this.#answer(question, 'too_large');
    } else {
      const reply = memory.subarray(0, question.bytes - this.#end.length);
      this.#answer(question, { bytes: reply, release });
    }
  }

  #answer(question: Question, reply: RangeReply | 'too_large'): void {
    this.#question = undefined;
    question.resolve(reply);
  }

  #endsWith(bytes: Buffer): boolean {
    const { length } = this.#end;
    return bytes.length >= length && this.#end.equals(bytes.subarray(bytes.length - length));
  }
}

/** Without rights, or while a script blocks Redis, ECHO is refused too: there will be no end. */
function isRefused({ greeting, bytes }: Question, chunk: Buffer): boolean {
  if (bytes > 0 || (!greeting && chunk[0] !== ERROR)) return false;
  return (greeting ? /^-/m : /^-[^\n]*\n-/).test(chunk.toString('latin1'));
}

/** As ioredis puts it. */
function closed(): Error {
  return new Error('Connection is closed.');
}

/** RESP, "Sending commands to a Redis server". */
function command(...words: readonly string[]): string {
  const strings = words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`);
  return `*${words.length}\r\n${strings.join('')}`;
}
