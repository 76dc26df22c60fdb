/** What one destination has done since the service started. Plain counters, for status and metrics. */
export class Tally {
  /** Messages and readings handed to the session, repeats included. */
  sentMessages = 0;
  sentReadings = 0;
  sentBytes = 0;
  acknowledgedMessages = 0;
  acknowledgedReadings = 0;
  /** Readings acknowledged by lane. */
  acknowledgedLive = 0;
  acknowledgedBacklog = 0;
  /** Messages lost with a connection, to be sent again. */
  retriedMessages = 0;
  /** Readings recorded as lost. */
  gapReadings = 0;
  /** Gap records delivered. */
  gapsDelivered = 0;
  sessions = 0;
}
