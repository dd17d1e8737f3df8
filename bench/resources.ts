/** Resources: what an acquire and a release cost, alone, contended and watched, and a dispatch to a worker, beside peers. */
import { costsOf } from "./costs.ts";
import { Report } from "./report.ts";
import { QUESTIONS } from "./resources/question.ts";

const ALLOCATING_CALLS = 10_000;

const report = new Report(
  "resources",
  "Resources: what an acquire and a release cost, alone, contended and watched, and a dispatch to a worker, beside peers.",
  { QUESTION: Object.keys(QUESTIONS) },
);

for (const question of report.chosen("QUESTION")) {
  const asked = QUESTIONS[question];
  if (!asked) continue;
  const costs = await costsOf(report, {
    program: new URL("./resources/calls.ts", import.meta.url),
    question,
    subjects: Object.keys(asked.subjects),
    count: report.quick ? asked.quickCalls : asked.calls,
    allocatingCount: asked.isAllocationMeasured ? ALLOCATING_CALLS : 0,
  });
  const { what, unit, from } = asked.time;
  for (const [name, { ns }] of costs) report.add(name, `${question}: ${what}`, unit, ns.map(from));
  for (const [name, { bytes }] of costs)
    if (bytes.length > 0) report.add(name, `${question}: allocated a cycle`, "bytes", bytes);
}
report.print();
