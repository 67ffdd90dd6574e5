import type { INestApplication } from '@nestjs/common';
import { Clock } from './core/clock.ts';
import { DatabaseService } from './database/index.ts';
import { DataPlaneService } from './interception/data-plane.service.ts';
import { KeyPoolsService } from './keypool/pool/key-pools.service.ts';
import { FAULTS } from './recording/index.ts';
import { RecordingService } from './recording/recording.service.ts';
import { Metrics, Tally } from './telemetry/index.ts';

const KEY_STATES = ['valid', 'temporary', 'permanent'] as const;
const SIDELINED_STATES = ['temporary', 'permanent'] as const;

/** What is read off the parts of the bridge at the moment somebody scrapes. */
export function registerGauges(app: INestApplication): void {
  const { meter } = app.get(Metrics);
  const gauge = (name: string, description: string, read: () => number): void => {
    meter
      .createObservableGauge(`aibridge_${name}`, { description })
      .addCallback((result) => result.observe(read()));
  };
  const { dataPlane } = app.get(DataPlaneService);
  gauge('requests_inflight', 'Requests under way', () => dataPlane.inFlightCount);
  registerRecording(app, gauge);
  registerKeys(app);
  registerReading(app);
}

type Gauge = (name: string, description: string, read: () => number) => void;

function registerRecording(app: INestApplication, gauge: Gauge): void {
  const recording = app.get(RecordingService);
  const clock = app.get(Clock);
  const { survey } = recording;
  gauge(
    'journal_lag_records',
    'Records that the database does not have yet, those that dead processes left included',
    () => recording.lagRecords,
  );
  gauge(
    'journal_lag_seconds',
    'For how long none of them has reached it',
    () => recording.lagMs / 1000,
  );
  gauge(
    'journal_bytes',
    'Size on disk of all journals of the data directory, with what is late or was set aside',
    () => recording.journalBytes,
  );
  gauge(
    'journal_late_records',
    'Records that take the database long and are stored beside the others',
    () => survey.late.records,
  );
  gauge(
    'journal_late_seconds',
    'For how long the oldest of them has been waiting',
    () => Math.max(0, clock.nowMs() - survey.late.sinceMs) / 1000,
  );
  gauge(
    'journal_set_aside_records',
    'Records and lines that were set aside, until they are brought in or removed',
    () => survey.setAside.records,
  );
  registerLosses(app, recording);
}

function registerLosses(app: INestApplication, recording: RecordingService): void {
  const { meter } = app.get(Metrics);
  meter
    .createObservableCounter('aibridge_records_lost_total', {
      description: 'Records that nobody will find in the audit',
    })
    .addCallback((result) => result.observe(recording.recorder.lostRecords));
  meter
    .createObservableCounter('aibridge_journal_faults_total', {
      description: 'What was found wrong with journals, by fault',
    })
    .addCallback((result) => {
      for (const fault of FAULTS) result.observe(recording.faults.get(fault) ?? 0, { fault });
    });
}

/** Only where there is a standby, and while it is there. */
function registerReading(app: INestApplication): void {
  const database = app.get(DatabaseService);
  app
    .get(Metrics)
    .meter.createObservableGauge('aibridge_standby_lag_seconds', {
      description: 'How far the standby for the audit API is behind at most',
    })
    .addCallback((result) => {
      const behindMs = database.reading?.behindMs;
      if (behindMs !== undefined) result.observe(behindMs / 1000);
    });
}

function registerKeys(app: INestApplication): void {
  const { meter } = app.get(Metrics);
  const pools = app.get(KeyPoolsService);
  meter
    .createObservableGauge('aibridge_key_state', {
      description: 'Of each pool key, 1 for the state it is in and 0 for the others',
    })
    .addCallback((result) => {
      for (const { provider, pool } of pools.all) {
        for (const { fingerprint, state } of pool.snapshot()) {
          for (const each of KEY_STATES) {
            const value = each === state.kind ? 1 : 0;
            result.observe(value, { provider, fingerprint, state: each });
          }
        }
      }
    });
  meter
    .createObservableGauge('aibridge_key_models_sidelined', {
      description: 'For how many models each pool key is sidelined, and is not for others',
    })
    .addCallback((result) => {
      for (const { provider, pool } of pools.all) {
        for (const { fingerprint, models } of pool.snapshot()) {
          for (const each of SIDELINED_STATES) {
            const count = models.filter(({ state }) => state.kind === each).length;
            result.observe(count, { provider, fingerprint, state: each });
          }
        }
      }
    });
  const transitions = new Tally(meter, {
    name: 'aibridge_key_transitions_total',
    description: 'Changes of the state of pool keys, by reason',
    labels: ['provider', 'reason'],
  });
  pools.transitions.subscribe(({ provider, reason, isStateChange }) => {
    if (isStateChange) transitions.add(1, [provider, reason]);
  });
}
