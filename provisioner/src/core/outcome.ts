/** What the outside world said, as plain data: the input of the decision table. */

/** What DPS can be asked. `poll` asks how a registration that was accepted goes on. */
export type Question = 'register' | 'poll' | 'lookup';

/** Where the device belongs, as DPS says it. */
export interface Registration {
  /** Host name of the hub; may carry `:port`. */
  readonly host: string;
  readonly deviceId: string;
  readonly substatus: string;
  readonly etag: string;
  /** What a custom allocation returned, as JSON text; empty = nothing. */
  readonly payload: string;
}

export type Answer =
  | { readonly kind: 'assigned'; readonly registration: Registration }
  | {
      readonly kind: 'assigning';
      readonly operationId: string;
      readonly retryAfterMs?: number | undefined;
    }
  /** The operation is over without an assignment, or the record of a lookup says so. */
  | {
      readonly kind: 'ended';
      readonly status: 'failed' | 'disabled' | 'unassigned';
      readonly message: string;
    }
  /** An HTTP status of 300 or more, or its equal over MQTT. */
  | {
      readonly kind: 'refused';
      readonly status: number;
      readonly retryAfterMs?: number | undefined;
      readonly message: string;
    }
  /** No answer: no name, no route, no TLS, no time. `code` is the system's or TLS' error code. */
  | { readonly kind: 'unreachable'; readonly code: string; readonly message: string }
  /** An answer that is not one: no JSON, no status in it. */
  | { readonly kind: 'unreadable'; readonly message: string };

export interface DpsOutcome {
  readonly question: Question;
  readonly answer: Answer;
  /** The `Date` header of the answer, unix ms; missing without an answer and over MQTT. */
  readonly serverMs?: number | undefined;
}

/** Outcome of one attempt to use the hub, as the mqtthandler reports it (`hub_sender:link`). */
export type HubOutcome =
  | 'ok'
  | 'connack_1'
  | 'connack_2'
  | 'connack_3'
  | 'connack_4'
  | 'connack_5'
  | 'network'
  | 'timeout'
  | 'dropped';

export interface HubReport {
  readonly generation: number;
  readonly attempt: number;
  /** When, by the mqtthandler's clock: tells two reports apart. */
  readonly atMs: number;
  readonly state: 'connected' | 'connecting' | 'failed' | 'lost' | 'off';
  readonly outcome: HubOutcome;
  readonly detail: string;
  /** How long the connection held that is now lost; 0 when there was none. */
  readonly heldMs: number;
}

/** Whether the kernel says that its clock is synchronised; `unknown` where it cannot be read. */
export type KernelClock = 'synchronised' | 'unsynchronised' | 'unknown';
