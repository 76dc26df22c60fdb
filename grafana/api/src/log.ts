/** The service's log events. A type alias, not an interface: a map of events needs an index signature. */
export type DashboardLog = {
  readonly started: { readonly port: number; readonly control: boolean };
  readonly redis_error: { readonly code: string; readonly error: string };
  readonly request_failed: { readonly path: string; readonly error: string };
  readonly switched: { readonly measuring: boolean };
};
