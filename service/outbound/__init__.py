"""The one guarded way out: every request that the service itself makes to somebody else's server.

Somebody who may give the service a URL (the keys of a client, the endpoint of a subscription) must not make it speak to what only it can
reach: the clinic's network, the machine itself, the metadata service of a cloud. `client.Outbound` is what others use.

What stands in the way, in this order; nothing leaves before all of it has passed:

1. `destination`: the URL is https, short, ASCII, without user names, and names its host by a DNS name, never by an address, however spelt.
2. The host is on the list that the caller gives with each call, name by name; nothing matches by prefix, suffix or pattern.
3. `address`: the name is resolved once, and every address that it has must be a public one. A host in a private network is reached only
   when an administrator named it together with its network.
4. `connection`: the connection goes to the addresses that were checked; the name is not resolved again, so it cannot change its mind.
5. `client`: no redirects, no proxies, no `.netrc`, no cookies, no compression; the size is capped while the body is read, and one deadline
   bounds the whole exchange, from resolving to the last byte.

requests does the HTTP and verifies certificates. Its adapter is used without a session: a session is what reads proxies and `.netrc`
from the environment, follows redirects, and reads the body of a redirect to its end without a limit, even when it is told not to follow.

The package requests-hardened (BSD-3) pins addresses too, and its list of networks was compared with ours. It does not fit: it looks at
the first address of a name only, takes addresses in place of names, allows loopback for all hosts or for none, knows no list of hosts,
no cap and no deadline, and reads the bodies of redirects through its session. What would remain of it is its list.
"""
