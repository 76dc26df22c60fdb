/** Why a command was not carried out: stable codes for programs, words for people. */

export type RefusalCode =
  /** Not UTF-8, or not JSON. */
  | 'not_json'
  /** More bytes than a command may have. */
  | 'too_large'
  /** Nested deeper than a command may be. */
  | 'too_deep'
  /** JSON, but no object. */
  | 'not_an_object'
  | 'unknown_command'
  /** A member is missing or has the wrong JSON type. */
  | 'bad_type'
  /** A member has the right type and a value that is not allowed. */
  | 'bad_value'
  /** The key does not exist or may not be touched from afar. */
  | 'forbidden_key'
  /** `expires` has passed. */
  | 'expired'
  /** The broker had kept the command for whoever comes: nobody knows how old it is. */
  | 'retained'
  /** Only signed commands are taken and this one is not. */
  | 'missing_signature'
  | 'bad_signature'
  /** A signed command whose id was carried out before. */
  | 'replayed'
  /** Something else is under way; try again later. */
  | 'busy'
  /** Too many commands; try again later. */
  | 'rate_limited'
  /** This device cannot do that. */
  | 'not_supported'
  /** It was tried and did not work. */
  | 'failed';

export interface Refusal {
  readonly code: RefusalCode;
  readonly message: string;
}

export function refusal(code: RefusalCode, message: string): Refusal {
  return { code, message };
}
