/** The service's log events. No field of any of them ever holds a key, a token or a certificate. */
export type ProvisionerLog = {
  readonly started: {
    readonly source: string;
    readonly endpoint: string;
    readonly idScope: string;
    readonly registrationId: string;
  };
  /** A step of provisioning, as on the time line. */
  readonly step: Readonly<Record<string, string | number>>;
  readonly state: {
    readonly state: string;
    readonly reason: string;
    readonly attempt: number;
    readonly delayMs: number;
    readonly error: string;
  };
  readonly answered: { readonly question: string; readonly answer: string; readonly error: string };
  readonly credentials_given: {
    readonly generation: number;
    readonly host: string;
    readonly deviceId: string;
    readonly kind: string;
  };
  readonly rewritten: { readonly why: string };
  /** Stored waits and plans cannot be read; `text` is what stood there. */
  readonly memory_damaged: { readonly key: string; readonly text: string };
  readonly redis_error: { readonly code: string; readonly error: string };
};
