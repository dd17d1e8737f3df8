/** Circuit breakers: what a call costs, closed, open, with a timeout and with a bulkhead, beside peers and a bare await. */
import { SUBJECTS } from "./breaker/subject.ts";
import { costsOf } from "./costs.ts";
import { Report } from "./report.ts";

const CALLS = 1_000_000;
const QUICK_CALLS = 50_000;
const ALLOCATING_CALLS = 20_000;

const report = new Report(
  "breaker",
  "Circuit breakers: what a call costs, closed, open, with a timeout and with a bulkhead, beside peers and a bare await.",
  { QUESTION: Object.keys(SUBJECTS) },
);

for (const question of report.chosen("QUESTION")) {
  const costs = await costsOf(report, {
    program: new URL("./breaker/calls.ts", import.meta.url),
    question,
    subjects: Object.keys(SUBJECTS[question] ?? {}),
    count: report.quick ? QUICK_CALLS : CALLS,
    allocatingCount: ALLOCATING_CALLS,
  });
  for (const [name, { ns }] of costs) report.add(name, `${question}: time a call`, "ns", ns);
  for (const [name, { bytes }] of costs) report.add(name, `${question}: allocated a call`, "bytes", bytes);
}
report.print();
