/** Events of DPS. */

export type DpsEvent =
  | {
      /** One call of a device, answered or not. */
      readonly event: 'registration' | 'poll' | 'lookup';
      readonly registrationId: string;
      readonly transport: 'http' | 'mqtt';
      /** HTTP-like status of the answer; 0 = none was given. */
      readonly status: number;
      readonly operationId?: string;
      /** Number and name of a refusal. */
      readonly reason?: string;
    }
  | {
      /** An operation came to its end. */
      readonly event: 'assigned' | 'assignment_failed';
      readonly registrationId: string;
      readonly operationId: string;
      readonly hub?: string;
      readonly deviceId?: string;
      readonly substatus?: string;
      readonly reason?: string;
    };
