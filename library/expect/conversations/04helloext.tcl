# 04helloext.tcl --
#
#	What is in the extensions of a ClientHello: groups and shares, pre-shared
#	keys, names, and the rest.

family Extension server {ClientHello extensions with wrong contents}

# only extension ... --
#	Greets with these extensions in the place of those of the same types.
proc script::only {args} {
    upvar 1 spawn_id spawn_id
    greet -drop [lmap extension $args {dict get $extension extension_type}] \
	-add $args
}

#------------------------------------------------------------------------
# Lists that may not be empty, or have half an entry
#------------------------------------------------------------------------

foreach {n versions name field bytes text} {
    1 {} supported_groups named_group_list {} {is empty}
    2 {} supported_groups named_group_list {\x00\x1d\x00} {has half a group}
    3 {TLSv1.3 TLSv1.2} signature_algorithms supported_signature_algorithms {}
	{is empty}
    4 {TLSv1.3 TLSv1.2} signature_algorithms supported_signature_algorithms
	{\x04\x03\x08} {has half a scheme}
    5 TLSv1.2 ec_point_formats ec_point_format_list {} {is empty}
    6 TLSv1.3 psk_key_exchange_modes ke_modes {} {is empty}
    7 {} application_layer_protocol_negotiation protocol_name_list {} {is empty}
    8 {} application_layer_protocol_negotiation protocol_name_list
	{\x00\x02h2} {has an empty name}
    9 {} application_layer_protocol_negotiation protocol_name_list
	{\x09h2} {has a name beyond its end}
    10 {} server_name server_name_list {} {is empty}
    11 {} server_name server_name_list {\x00\x00\x00} {has an empty name}
    12 {} server_name server_name_list {\x00\x00\x09a} {has a name beyond its end}
    13 TLSv1.3 key_share client_shares {\x00\x1d\x00\x20abc}
	{has a share beyond its end}
    14 TLSv1.3 key_share client_shares {\x00\x1d\x00\x00} {has an empty share}
} {
    conversation Extension-List-$n "$name $text" -versions $versions \
	-source {RFC 8446, 4.2 and 6; RFC 5246, 7.2.2} [format {
	only {extension_type %s %s "%s"}
	refused decode_error illegal_parameter
    } $name ${field}_bytes $bytes]
}

foreach {n versions name data text} {
    1 {} supported_groups {\x00\x02\x00\x1d\x00} {has a byte left over}
    2 {} supported_groups {\x00\x08\x00\x1d} {is shorter than its list}
    3 {} supported_groups {} {has no bytes}
    4 {TLSv1.3 TLSv1.2} signature_algorithms {\x00\x02\x04\x03\x00}
	{has a byte left over}
    5 {TLSv1.3 TLSv1.2} signature_algorithms {} {has no bytes}
    6 TLSv1.2 extended_master_secret {\x00} {is not empty}
    7 {TLSv1.2} renegotiation_info {} {has no bytes}
    8 TLSv1.3 key_share {\x00} {has half a length}
    9 TLSv1.3 key_share {\x00\x00\x00} {has a byte left over}
    10 TLSv1.2 session_ticket {} {is empty, as it should be}
    11 {} server_name {\x00\x01} {is cut}
    12 {TLSv1.2 TLSv1.3} max_fragment_length {\x01\x01} {has two bytes}
    13 {TLSv1.2} encrypt_then_mac {\x00} {is not empty}
    14 {TLSv1.2 TLSv1.3} status_request {\x01\x00\x05\x00\x00} {is cut}
} {
    if {$n == 10} {
	conversation Extension-Bytes-$n "$name $text" -versions $versions \
	    -source {RFC 5077, 3.2} {
	    only {extension_type session_ticket extension_data {}}
	    answered
	}
	continue
    }
    conversation Extension-Bytes-$n "$name $text" -versions $versions \
	-source {RFC 8446, 4.2 and 6; RFC 5246, 7.2.2} [format {
	only {extension_type %s extension_data "%s"}
	refused decode_error illegal_parameter
    } $name $data]
}

#------------------------------------------------------------------------
# Groups and shares
#------------------------------------------------------------------------

# A server may look for these two, and need not.
conversation Extension-Share-1 {a share of a group that is not in\
    supported_groups} -versions TLSv1.3 -source {RFC 8446, 4.2.8} {
    only {extension_type supported_groups named_group_list secp256r1} \
	[share x25519 {}]
    set answer [either illegal_parameter]
    if {$answer ne "" && [dict get $answer name] eq "ServerHello"} {
	fail "it has taken the share"
    }
}

conversation Extension-Share-2 {two shares of one group} \
    -versions TLSv1.3 -source {RFC 8446, 4.2.8} {
    only [share x25519 {} x25519 {}]
    either illegal_parameter
}

conversation Extension-Share-3 {a share of x25519 that is a byte short} \
    -versions TLSv1.3 -source {RFC 8446, 4.2.8.2} {
    only [share x25519 [string repeat k 31]]
    refused illegal_parameter decode_error
}

conversation Extension-Share-4 {a share of x25519 that is a byte long} \
    -versions TLSv1.3 -source {RFC 8446, 4.2.8.2} {
    only [share x25519 [string repeat k 33]]
    refused illegal_parameter decode_error
}

conversation Extension-Share-5 {a share of x25519 that makes a secret of zeros} \
    -versions TLSv1.3 -source {RFC 8446, 7.4.2; RFC 7748, 6.1} {
    only [share x25519 [string repeat \x00 32]]
    refused illegal_parameter handshake_failure
}

foreach {n script text} {
    6 {string replace $point end end \x00} {that is not on the curve}
    7 {string range $point 0 end-1} {that is a byte short}
    8 {string cat \x02 [string range $point 1 32]} {that is compressed}
    9 {string cat \x00} {that is the point at infinity}
} {
    conversation Extension-Share-$n "a share of secp256r1 $text" \
	-versions TLSv1.3 -source {RFC 8446, 4.2.8.2} [format {
	only {extension_type supported_groups named_group_list secp256r1} \
	    [share secp256r1 [%s]]
	refused illegal_parameter decode_error
    } $script]
}

conversation Extension-Share-10 {no shares: the server asks for one} \
    -versions TLSv1.3 -source {RFC 8446, 4.1.4 and 4.2.8} {
    only [share]
    set group [dict get [extension [answered HelloRetryRequest] key_share] \
	selected_group]
    if {$group ni {x25519 secp256r1 secp384r1}} {
	fail "it asks for $group, which is not offered"
    }
}

conversation Extension-Share-11 {shares in another order than the groups} \
    -versions TLSv1.3 -source {RFC 8446, 4.2.8} {
    only {extension_type supported_groups
	named_group_list {secp256r1 x25519}} [share x25519 {} secp256r1 {}]
    answered
}

conversation Extension-Share-12 {a share of an unknown group before a good one} \
    -versions TLSv1.3 -source {RFC 8446, 4.2.8} {
    only {extension_type supported_groups
	named_group_list {0xfe11 x25519}} [share 0xfe11 abc x25519 {}]
    answered
}

conversation Extension-Groups-1 {unknown groups only, for TLS 1.3} \
    -versions TLSv1.3 -source {RFC 8446, 4.1.1} {
    only {extension_type supported_groups named_group_list {0xfe11 0xfe12}} \
	[share 0xfe11 abc]
    refused handshake_failure illegal_parameter
}

conversation Extension-Groups-2 {unknown groups only, and ECDHE only} \
    -versions TLSv1.2 -source {RFC 8422, 5.1} {
    greet -drop supported_groups -add {{
	extension_type supported_groups named_group_list {0xfe11 0xfe12}
    }} cipher_suites {
	TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256
	TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256
    }
    refused handshake_failure insufficient_security illegal_parameter
}

conversation Extension-Formats-1 {ec_point_formats without uncompressed} \
    -versions TLSv1.2 -source {RFC 8422, 5.1.2} {
    greet -drop ec_point_formats -add {{
	extension_type ec_point_formats
	ec_point_format_list ansiX962_compressed_prime
    }} cipher_suites {
	TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256
	TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256
    }
    # All that there is of ECC can do it, and some do it all the same.
    either illegal_parameter handshake_failure
}

conversation Extension-Signatures-1 {unknown signature schemes only} \
    -versions TLSv1.3 -source {RFC 8446, 4.4.2.2} {
    only {extension_type signature_algorithms
	supported_signature_algorithms {0xfe01 0xfe02}}
    refused handshake_failure illegal_parameter
}

#------------------------------------------------------------------------
# Pre-shared keys
#------------------------------------------------------------------------

# psk ?field value ...? -- a pre_shared_key of nobody's, but for the fields.
proc script::psk {args} {
    return [dict merge [list extension_type pre_shared_key identities [list \
	[list identity nobody's obfuscated_ticket_age 0]] binders [list \
	[string repeat b 32]]] $args]
}

conversation Extension-Psk-1 {an unknown identity: it is a full handshake} \
    -versions TLSv1.3 -source {RFC 8446, 4.2.11} {
    greet -add [list [psk]]
    if {[extension [answered ServerHello] pre_shared_key] ne ""} {
	fail "it has taken the pre-shared key"
    }
}

conversation Extension-Psk-2 {pre_shared_key is not the last extension} \
    -versions TLSv1.3 -source {RFC 8446, 4.2.11} {
    greet -first [list [psk]]
    refused illegal_parameter
}

conversation Extension-Psk-3 {pre_shared_key without psk_key_exchange_modes} \
    -versions TLSv1.3 -source {RFC 8446, 4.2.9} {
    greet -drop psk_key_exchange_modes -add [list [psk]]
    refused missing_extension
}

foreach {n fields text} {
    4 {identities {} binders {}} {no identities and no binders}
    5 {binders {}} {no binders}
    6 {binders_bytes {\x04abcd}} {a binder that is too short}
    7 {identities_bytes {\x00\x00\x00\x00\x00\x00}} {an empty identity}
} {
    conversation Extension-Psk-$n "pre_shared_key has $text" \
	-versions TLSv1.3 -source {RFC 8446, 4.2.11 and 6} [format {
	greet -add [list [psk %s]]
	# A server that takes none of the keys need not look at all of it.
	lacks [either decode_error illegal_parameter] pre_shared_key \
	    "it has taken the pre-shared key"
    } [subst -nocommands -novariables $fields]]
}

conversation Extension-Psk-8 {there are more binders than identities} \
    -versions TLSv1.3 -source {RFC 8446, 4.2.11} {
    greet -add [list [psk binders [lrepeat 2 [string repeat b 32]]]]
    # A server that takes none of the keys need not look at binders.
    lacks [either illegal_parameter decode_error] pre_shared_key "it has taken the pre-shared key"
}

conversation Extension-Psk-9 {psk_key_exchange_modes has unknown modes only} \
    -versions TLSv1.3 -source {RFC 8446, 4.2.9} {
    greet -drop psk_key_exchange_modes -add [list {
	extension_type psk_key_exchange_modes ke_modes 0x7f
    } [psk]]
    if {[extension [answered ServerHello] pre_shared_key] ne ""} {
	fail "it has taken the pre-shared key"
    }
}

conversation Extension-Early-1 {early_data without pre_shared_key} \
    -versions TLSv1.3 -source {RFC 8446, 4.2.10} {
    # It is an offer of nothing; some refuse it.
    greet -add {{extension_type early_data}}
    either illegal_parameter missing_extension
}

#------------------------------------------------------------------------
# The rest
#------------------------------------------------------------------------

conversation Extension-Name-1 {two host names} \
    -source {RFC 6066, 3} {
    only {extension_type server_name server_name_list {
	{name_type host_name name a.test} {name_type host_name name b.test}
    }}
    # The RFC forbids it to clients; what servers do is not said.
    either
}

conversation Extension-Name-2 {a name of a type that nobody knows} \
    -source {RFC 6066, 3} {
    # The syntax of others is not known: it may be passed over or refused.
    only {extension_type server_name server_name_list {
	{name_type 77 name a.test}
    }}
    either
}

conversation Extension-Name-3 {a name with a byte of zero in it} \
    -source {RFC 6066, 3} {
    only {extension_type server_name server_name_list_bytes \
	"\x00\x00\x0alocalhost\x00"}
    refused
}

conversation Extension-Fragment-1 {max_fragment_length is 5} \
    -versions {TLSv1.2 TLSv1.3} -source {RFC 6066, 4} {
    only {extension_type max_fragment_length max_fragment_length 5}
    # A server that does not know the extension does not look at it.
    lacks [either illegal_parameter] max_fragment_length "it has taken it"
}

conversation Extension-Fragment-2 {max_fragment_length is 1: 512 bytes} \
    -versions TLSv1.2 -source {RFC 6066, 4} {
    only {extension_type max_fragment_length max_fragment_length 1}
    set extension [extension [dict get [flight] ServerHello] \
	max_fragment_length]
    if {$extension eq ""} {
	skip "the server does not do this extension"
    }
    if {[dict get $extension max_fragment_length] ni {1 512 2^9}} {
	fail "it says [dict get $extension max_fragment_length]"
    }
    expect -timeout 0 -record handshake -from peer {
	if {[dict get $expect_out(record) length] > 512} {
	    fail "a record has [dict get $expect_out(record) length] bytes"
	}
	exp_continue
    } timeout {
    }
}

conversation Extension-Limit-1 {record_size_limit is 63} \
    -versions {TLSv1.3 TLSv1.2} -source {RFC 8449, 4} {
    only {extension_type record_size_limit record_size_limit 63}
    lacks [either illegal_parameter] record_size_limit "it has taken it"
}

conversation Extension-Renegotiation-1 {renegotiation_info of a first handshake\
    is not empty} -versions TLSv1.2 -source {RFC 5746, 3.6} {
    only {extension_type renegotiation_info renegotiated_connection abc}
    refused handshake_failure
}

conversation Extension-Cookie-1 {a cookie that nobody gave} \
    -versions TLSv1.3 -source {RFC 8446, 4.2.2} {
    only {extension_type cookie cookie abc}
    either
}
