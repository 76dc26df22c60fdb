/** What happens in the cloud, as typed events. No event carries a key or a token. */
import type { DpsEvent } from './dps-events.ts';

/** Why a device's connection ended. Numbers are those Azure uses where it tells them at all. */
export type DisconnectReason =
  /** DISCONNECT, or the device's end of the socket closed. */
  | 'client'
  /** 400027: the same device connected again. */
  | 'replaced'
  /** The SAS token of the connection expired. */
  | 'token_expired'
  /** Silence for 1.5 times the keepalive. */
  | 'keepalive'
  /** The device broke one of the hub's rules; `detail` names it. */
  | 'rule'
  /** 429002: more sends than the tier allows, for longer than the hub queues them. */
  | 'throttled'
  /** 403002: the day's messages are used up. */
  | 'quota'
  /** 403012. */
  | 'disabled'
  /** 404001. */
  | 'deleted'
  /** Asked for by a test or an administrator. */
  | 'dropped'
  | 'failover'
  | 'fault'
  | 'hub_down';

export type HubEvent =
  | {
      readonly event: 'connected';
      readonly hub: string;
      readonly deviceId: string;
      readonly attestation: 'sas' | 'x509';
      readonly apiVersion: string;
      readonly clean: boolean;
      readonly sessionPresent: boolean;
      readonly keepaliveSeconds: number;
      /** End of the SAS token, unix milliseconds. */
      readonly expiresMs?: number;
    }
  | {
      readonly event: 'refused';
      readonly hub: string;
      /** Missing when the user name named none. */
      readonly deviceId?: string;
      /** 0 = closed without CONNACK. */
      readonly connack: 0 | 1 | 2 | 3 | 4 | 5;
      /** Number and name, e.g. `404001 DeviceNotFound`. */
      readonly reason: string;
    }
  | {
      readonly event: 'disconnected';
      readonly hub: string;
      readonly deviceId: string;
      readonly reason: DisconnectReason;
      readonly detail?: string;
    }
  | {
      /** A device-to-cloud message was accepted. Kept in the hub's message log, not in the event log. */
      readonly event: 'message';
      readonly hub: string;
      readonly deviceId: string;
      /** Counts 1, 2, 3 ... per hub. */
      readonly sequence: number;
      readonly messageId?: string;
      readonly bytes: number;
      /** Of the body, hexadecimal. */
      readonly sha256: string;
      /** False when a fault withheld the PUBACK. */
      readonly acknowledged: boolean;
    }
  | {
      readonly event: 'twin_read' | 'twin_reported';
      readonly hub: string;
      readonly deviceId: string;
      readonly status: number;
    }
  | {
      readonly event: 'desired_changed';
      readonly hub: string;
      readonly deviceId: string;
      readonly version: number;
      /** Whether a connected device was told. */
      readonly pushed: boolean;
    }
  | {
      readonly event: 'method_called' | 'method_answered';
      readonly hub: string;
      readonly deviceId: string;
      readonly method: string;
      /** Of the device's answer, or 404 and 504 where none came. */
      readonly status?: number;
    }
  | {
      /** `dead_lettered`: expired, or delivered ten times without an acknowledgement. */
      readonly event: 'c2d_queued' | 'c2d_delivered' | 'c2d_completed' | 'c2d_dead_lettered';
      readonly hub: string;
      readonly deviceId: string;
      readonly messageId: string;
    }
  | {
      readonly event: 'device_created' | 'device_updated' | 'device_deleted';
      readonly hub: string;
      readonly deviceId: string;
    }
  | {
      readonly event: 'hub_down' | 'hub_up' | 'failover_started' | 'failover_ended';
      readonly hub: string;
    };

/** A fault rule applied; from hubs and DPS alike. */
export interface FaultEvent {
  readonly event: 'fault';
  /** `dps`, or the name of the hub. */
  readonly service: string;
  readonly at: string;
  readonly action: string;
  /** Device id or registration id. */
  readonly id?: string;
}

export type AnyEvent = HubEvent | DpsEvent | FaultEvent;

/** An event with its time: the wall clock of the lab, without the offset a fault gives the cloud. */
export type CloudEvent = AnyEvent & { readonly atMs: number };
