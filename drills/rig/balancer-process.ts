/** The balancer in a process of its own, so that the rig's work does not delay what passes through it. */
import { Balancer } from "./balancer.ts";
import { freePort } from "./port.ts";
import { answer } from "./program.ts";

export type BalancerCalls = {
  port: () => number;
} & Pick<Balancer, "use" | "clientsOf" | "cut" | "refuse" | "hold" | "accept">;

const port = await freePort();
const balancer = await Balancer.listen(port);

answer<BalancerCalls>({
  port: () => port,
  use: (ports) => balancer.use(ports),
  clientsOf: (port) => balancer.clientsOf(port),
  cut: (clients) => balancer.cut(clients),
  refuse: (clients) => balancer.refuse(clients),
  hold: (clients, options) => balancer.hold(clients, options),
  accept: (clients) => balancer.accept(clients),
});
