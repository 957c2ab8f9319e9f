// SPDX-License-Identifier: MPL-2.0

// Package store is the ledger in S3: what was declared, and which principals may be there for it. It asks IAM nothing;
// N is what its user keeps beside a page of what IAM has.
//
// An identity is one object, its page. So what is true of an identity changes by one write, which names the ETag that
// it was drafted from (If-Match, If-None-Match): of two who write at once one is refused, reads again, and drafts
// again. No two writings have one ETag, even if they say the same. A store that ignores these conditions is found out
// before the first write, and nothing is kept in it.
//
// A page is believed only if all in it follows from its identity: whoever writes one by hand can name no principal of
// another partner's. One that cannot be read is damaged, and gives nothing.
//
// A page names a principal before it is made, and until it was seen to be gone: a process that dies in between loses
// none.
//
// What has to outlive an identity stands beside the pages, an object for each: what was cut by hand, which releases
// were used, when a partner was rehearsed, and the floor, which whoever writes pages may not write. Their names say
// everything, so that one listing tells all of it, and nobody has to read them.
//
// The keys, below the prefix of the ledger:
//
//	system.json                       which system this is, and of which account
//	identities/acme/prod/etl.json     a page
//	held/acme/prod/etl                a mark: cut by hand, at the moment when the object was written
//	released/acme/prod/etl/VALUE      a value of hold_released that was used, in base64
//	rehearsed/acme/MOMENT             when the cut of a partner was rehearsed
//	floor/3                           there was a third floor, beside the ledger
//
// What was read serves for as long as the configuration says (Fresh). What this process wrote is never taken back by an
// older listing, and what is known of a page's principals goes with each change of the page.
package store
