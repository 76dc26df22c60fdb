/** The other end: a broker with a subscriber, or a cloud; and what a person can do to it. */
import type { ManagedProcess } from '@holdfast/lab/servers';
import type { FarAction } from './core/keys.ts';
import type { Accepted } from './core/deliveries.ts';
import type { PartName } from './core/parts.ts';
import type { CloudView, EventView } from './core/view.ts';

export type Variables = Readonly<Record<string, string>>;
export type Status = Readonly<Record<string, string>>;

/** What the other end needs of the session. */
export interface FarParts {
  /** Takes the payload of one message that has arrived. */
  readonly take: (payload: string) => Accepted;
  readonly say: (source: string, text: string, level?: EventView['level']) => void;
}

/** Where it may run processes that can be killed. */
export interface Gateway {
  keep(name: PartName, process: ManagedProcess): void;
  /** A service with its user of Redis. */
  keepService(name: PartName, env: Variables): void;
}

/** Where in Redis it stands how far the readings have come. */
export interface Watched {
  readonly cursorKey: string;
  /** Hashes read with every look. */
  readonly hashes: readonly string[];
  /** State of the link in them; empty when unknown. */
  link(hash: (key: string) => Status): string;
}

export interface FarView {
  readonly networkCut: boolean;
  readonly cloud: CloudView | undefined;
}

export interface FarSide extends AsyncDisposable {
  readonly watched: Watched;
  /**
   * Starts it, ready to receive. Resolves with the variables that lead the mqtthandler there; rejects
   * when a server cannot be started.
   */
  start(gateway: Gateway): Promise<Variables>;
  /** Does it and says so. */
  act(action: FarAction): Promise<void>;
  /** Ends everything that keeps readings from arriving. */
  restore(): Promise<void>;
  view(hash: (key: string) => Status): FarView;
}

export type OpenFarSide = (parts: FarParts) => FarSide;
