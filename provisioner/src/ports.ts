/** What the provisioner needs from the world. */
import type { DpsOutcome, HubReport, KernelClock, Question } from './core/outcome.ts';
import type { Fields } from './core/codec.ts';

export interface DpsRequest {
  readonly question: Question;
  /** Of the registration that is polled; empty otherwise. */
  readonly operationId: string;
  /** Unix ms to sign with: the device's clock, or the server's where that is known to differ. */
  readonly signMs: number;
}

/** The Device Provisioning Service. */
export interface Dps {
  /**
   * Asks once; no retry of its own. Never rejects: what went wrong is an outcome. Answers within
   * `DPS_ANSWER_SECONDS`, sooner when `signal` aborts.
   */
  ask(request: DpsRequest, signal: AbortSignal): Promise<DpsOutcome>;
}

/** What is read in Redis, once a second. */
export interface Inbox {
  /** `provisioning:request` as it stands. */
  readonly request: string | undefined;
  /** `hub_sender:link`, undefined where there is none or nothing usable. */
  readonly report: HubReport | undefined;
  /** False = what was written last is not there any more. */
  readonly intact: boolean;
}

/** What is written together. */
export interface Written {
  /** `provisioning:state` */
  readonly state: Fields;
  /** `hub:assignment` and `hub:credentials`; `none` = they are taken away. */
  readonly given: Given | 'none';
}

export interface Given {
  readonly assignment: Fields;
  readonly credentials: Fields;
}

export interface Loaded {
  readonly state: Fields;
  readonly assignment: Fields;
  /** Of the credentials the mqtthandler uses: it may remember more than a Redis that was wiped. */
  readonly usedGeneration: number;
}

/** The provisioner's part of Redis. All methods reject when Redis cannot carry them out. */
export interface Store {
  /** Resolves when an attempt makes sense, or when `signal` aborts. */
  untilReachable(signal: AbortSignal): Promise<void>;
  load(): Promise<Loaded>;
  /** Writes everything in one step. */
  save(record: Written): Promise<void>;
  inbox(record: Written): Promise<Inbox>;
  /** Deletes the request, unless it is another one by now. */
  takeRequest(request: string): Promise<void>;
}

/** Signs tokens for the hub; the key never leaves it. */
export interface HubSigner {
  /** @param expiresMs unix ms by the clock the hub goes by */
  token(host: string, deviceId: string, expiresMs: number): string;
}

export interface Kernel {
  /** Never rejects. */
  clock(): Promise<KernelClock>;
  /** Identity of this boot. */
  readonly bootId: string;
}

export type StatusFields = Readonly<Record<string, string | number>>;

/** What others may see of this service. Kept while Redis is away and written when it is back. */
export interface Reports {
  status(fields: StatusFields): void;
  event(event: string, fields: StatusFields): void;
}
