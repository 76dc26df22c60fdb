/** What the device is to DPS, and how it proves it. */

export interface DpsIdentity {
  /** Host name, without port. */
  readonly host: string;
  readonly port: number | undefined;
  readonly idScope: string;
  readonly registrationId: string;
  /** Symmetric key, base64; undefined with a certificate. */
  readonly key: string | undefined;
  /** PEM texts. */
  readonly certificate: { readonly cert: string; readonly key: string } | undefined;
  /** PEM of the authorities to trust instead of the well-known ones. */
  readonly ca: string | undefined;
  /** What a custom allocation is told, parsed JSON; undefined = nothing. */
  readonly payload: unknown;
  /** A question is over after this time, answered or not. */
  readonly answerMs: number;
}

/** Life of the signature of one question. */
export const SIGNATURE_MS = 3_600_000;
