# 02version.tcl --
#
#	Which version comes out, whatever a client says; and that what a server
#	has never heard of does not stop it.

family Version server {version negotiation, intolerance, downgrade signals}

#------------------------------------------------------------------------
# legacy_version
#------------------------------------------------------------------------

foreach {n value text} {
    1 0x0304 {3.4, that of TLS 1.3}
    2 0x0305 {3.5, of a version to come}
    3 0x03ff {3.255}
} {
    conversation Version-Legacy-$n "client_version is $text,\
	and there is no supported_versions: it is TLS 1.2 at most" \
	-versions TLSv1.2 -source {RFC 5246, E.1; RFC 8446, 4.2.1} [string map \
	[list %V $value] {
	greet legacy_version %V
	set chosen [Chosen [answered ServerHello]]
	if {$chosen ne "TLSv1.2"} {
	    fail "it chose $chosen"
	}
    }]
}

conversation Version-Legacy-4 \
    {client_version is 4.0: it is TLS 1.2, or an alert, and no hanging} \
    -versions TLSv1.2 -source {RFC 5246, E.1} {
    greet legacy_version 0x0400
    set answer [either protocol_version]
    if {$answer ne "" && [Chosen $answer] ne "TLSv1.2"} {
	fail "it chose [Chosen $answer]"
    }
}

conversation Version-Legacy-5 {client_version is SSL 2.0} \
    -source {RFC 6176, 3} {
    # An alert in a record of that version is none that can be told.
    greet -version TLSv1.2 legacy_version 0x0002
    refused -silent protocol_version decode_error
}

conversation Version-Legacy-6 {the version is SSL 3.0} -source {RFC 7568, 3} {
    greet -version SSLv3
    refused protocol_version handshake_failure
}

conversation Version-Legacy-7 \
    {supported_versions counts, and not legacy_version} \
    -versions TLSv1.3 -source {RFC 8446, 4.2.1} {
    greet -version any -drop supported_versions -add {
	{extension_type supported_versions versions {TLSv1.2 TLSv1.3}}
    } legacy_version TLSv1.2
    answered
}

#------------------------------------------------------------------------
# The version of the record
#------------------------------------------------------------------------

foreach {n value text} {
    1 0x0300 {that of SSL 3.0}
    2 0x0301 {that of TLS 1.0}
    3 0x0302 {that of TLS 1.1}
    4 0x0304 {3.4}
    5 0x03ff {3.255}
} {
    conversation Version-Record-$n \
	"the version of the ClientHello's record is $text" \
	-source {RFC 8446, 5.1; RFC 5246, E.1} [string map [list %V $value] {
	dial -version %V
	greet
	answered
    }]
}

conversation Version-Record-6 {the records that answer are of 3.3} \
    -versions {TLSv1.3 TLSv1.2} -source {RFC 8446, 5.1; RFC 5246, 6.2.1} {
    greet
    answered
    expect -timeout $timeout -record handshake -from peer {
	set seen [dict get $expect_out(record) version]
	if {$seen ne "TLSv1.2"} {
	    fail "the record is of $seen"
	}
    } timeout {
	fail "there was no record"
    }
}

#------------------------------------------------------------------------
# supported_versions
#------------------------------------------------------------------------

# versions list -- greets with these instead.
proc script::versions {list args} {
    upvar 1 spawn_id spawn_id
    greet -version any -drop supported_versions -add [list [list \
	extension_type supported_versions {*}[expr {$list eq "" ? $args
	: [list versions $list]}]]]
}

conversation Version-Supported-1 {supported_versions has unknown ones and\
    GREASE, too} -versions TLSv1.3 -source {RFC 8446, 4.2.1; RFC 8701, 3.1} {
    versions {0x7a7a 0x0305 TLSv1.3 0xfafa 0x0500}
    set chosen [Chosen [answered]]
    if {$chosen ne "TLSv1.3"} {
	fail "it chose $chosen"
    }
}

conversation Version-Supported-2 {supported_versions has TLS 1.2 only} \
    -versions TLSv1.2 -source {RFC 8446, 4.2.1} {
    versions TLSv1.2
    set hello [answered ServerHello]
    if {[Chosen $hello] ne "TLSv1.2"} {
	fail "it chose [Chosen $hello]"
    }
    if {[extension $hello supported_versions] ne ""} {
	fail "TLS 1.2 is told by supported_versions"
    }
}

conversation Version-Supported-3 {supported_versions has unknown ones only} \
    -versions TLSv1.3 -source {RFC 8446, 4.2.1} {
    versions {0x0a0a 0x0305}
    refused protocol_version
}

conversation Version-Supported-4 {supported_versions has drafts only} \
    -versions TLSv1.3 -source {RFC 8446, 4.2.1.1} {
    versions {0x7f1c 0x7f17}
    refused protocol_version
}

conversation Version-Supported-5 {supported_versions is an empty list} \
    -versions TLSv1.3 -source {RFC 8446, 4.2.1} {
    versions {} versions_bytes {}
    refused decode_error protocol_version
}

conversation Version-Supported-6 {supported_versions has half a version} \
    -versions TLSv1.3 -source {RFC 8446, 4.2.1} {
    versions {} versions_bytes \x03\x04\x03
    refused decode_error
}

conversation Version-Supported-7 {supported_versions has bytes left over} \
    -versions TLSv1.3 -source {RFC 8446, 4.2} {
    versions {} extension_data \x02\x03\x04\x00
    refused decode_error
}

conversation Version-Supported-8 {supported_versions is longer than it is} \
    -versions TLSv1.3 -source {RFC 8446, 4.2} {
    versions {} extension_data \x04\x03\x04
    refused decode_error
}

conversation Version-Supported-9 {supported_versions has all 127 it can hold} \
    -versions TLSv1.3 -source {RFC 8446, 4.2.1} {
    for {set i 0} {$i < 126} {incr i} {
	lappend list [expr {0x8000 + $i}]
    }
    versions [linsert $list end TLSv1.3]
    answered
}

conversation Version-Supported-10 {TLS 1.3 is offered with suites of 1.2 only} \
    -versions TLSv1.3 -source {RFC 8446, 4.1.1} {
    greet cipher_suites $suites12
    refused handshake_failure
}

conversation Version-Supported-11 {TLS 1.2 is offered with suites of 1.3 only} \
    -versions TLSv1.2 -source {RFC 5246, 7.4.1.3; RFC 8446, B.4} {
    greet cipher_suites $suites13
    refused handshake_failure
}

#------------------------------------------------------------------------
# What the ServerHello says
#------------------------------------------------------------------------

conversation Version-Answer-1 {a ServerHello of TLS 1.3 says 3.3, echoes the\
    session id and compresses nothing} -versions TLSv1.3 \
    -source {RFC 8446, 4.1.3} {
    greet
    set answer [answered]
    foreach {field value} [list legacy_version TLSv1.2 \
	legacy_compression_method null legacy_session_id_echo \
	[dict get $now(hello) legacy_session_id]] {
	if {[dict get $answer $field] ne $value} {
	    fail "$field is not as it should be"
	}
    }
}

conversation Version-Answer-2 {an empty session id is echoed as one} \
    -versions TLSv1.3 -source {RFC 8446, 4.1.3} {
    greet legacy_session_id {}
    if {[dict get [answered] legacy_session_id_echo] ne ""} {
	fail "it has got a session id"
    }
}

conversation Version-Answer-3 {a ServerHello has only extensions that were\
    asked for} -versions {TLSv1.2 TLSv1.3} -source {RFC 8446, 4.2; RFC 5246,\
    7.4.1.4} {
    greet
    set answer [answered]
    foreach extension [dict get $answer extensions] {
	set name [dict get $extension extension_type]
	if {[extension $now(hello) $name] eq ""
		&& $name ne "renegotiation_info"} {
	    fail "it has $name"
	}
    }
}

#------------------------------------------------------------------------
# Downgrades
#------------------------------------------------------------------------

conversation Version-Downgrade-1 {a server of TLS 1.3 that speaks 1.2 says so\
    in its random} -versions TLSv1.3 -source {RFC 8446, 4.1.3} {
    if {"TLSv1.2" ni [dict get $now(settings) -versions]} {
	skip "the server does not speak TLSv1.2"
    }
    greet -version TLSv1.2
    set random [dict get [answered] random]
    if {[string range $random 24 end] ne "DOWNGRD\x01"} {
	fail "the random ends with\
	    [binary encode hex [string range $random 24 end]]"
    }
}

conversation Version-Downgrade-2 {a server that speaks 1.1 where it could more\
    says so in its random} -versions {TLSv1.1 TLSv1} \
    -source {RFC 8446, 4.1.3} {
    if {"TLSv1.3" ni [dict get $now(settings) -versions]} {
	skip "the server does not speak TLSv1.3"
    }
    greet
    set random [dict get [answered] random]
    if {[string range $random 24 end] ne "DOWNGRD\x00"} {
	fail "the random ends with\
	    [binary encode hex [string range $random 24 end]]"
    }
}

conversation Version-Downgrade-3 {in TLS 1.3 the random is no signal} \
    -versions TLSv1.3 -source {RFC 8446, 4.1.3} {
    greet
    if {[string match DOWNGRD? [string range [dict get [answered] random] \
	    24 end]]} {
	fail "it is the signal of a downgrade"
    }
}

conversation Version-Fallback-1 {TLS_FALLBACK_SCSV, and the server can do more} \
    -versions TLSv1.3 -source {RFC 7507, 3} {
    if {"TLSv1.2" ni [dict get $now(settings) -versions]} {
	skip "the server does not speak TLSv1.2"
    }
    greet -version TLSv1.2 cipher_suites [concat $suites12 TLS_FALLBACK_SCSV]
    refused inappropriate_fallback
}

conversation Version-Fallback-2 {TLS_FALLBACK_SCSV with the server's highest\
    version} -versions {TLSv1.3 TLSv1.2} -source {RFC 7507, 3} {
    greet cipher_suites [concat [expr {$version eq "TLSv1.3" ? $suites13
	: $suites12}] TLS_FALLBACK_SCSV]
    answered
}

conversation Version-Fallback-3 {TLS_FALLBACK_SCSV in a ClientHello whose\
    supported_versions has it all} -versions TLSv1.3 -source {RFC 7507, 3;\
    RFC 8446, 4.2.1} {
    greet -version any cipher_suites [concat $suites13 $suites12 \
	TLS_FALLBACK_SCSV]
    answered
}

#------------------------------------------------------------------------
# What a server has not heard of
#------------------------------------------------------------------------

conversation Version-Grease-1 {cipher suites of GREASE} \
    -source {RFC 8701, 3.1} {
    set suites [dict get [hello] cipher_suites]
    greet cipher_suites [concat 0x0a0a $suites 0xfafa]
    set answer [answered]
    if {[dict get $answer cipher_suite] ni $suites} {
	fail "it chose [dict get $answer cipher_suite]"
    }
}

conversation Version-Grease-2 {extensions of GREASE, empty and not} \
    -source {RFC 8701, 3.1} {
    greet -first {{extension_type 0x1a1a extension_data {}}} \
	-add {{extension_type 0xbaba extension_data \x00}}
    set answer [answered]
    foreach type {0x1a1a 0xbaba} {
	if {[extension $answer $type] ne ""} {
	    fail "it has extension $type in its answer"
	}
    }
}

conversation Version-Grease-3 {groups of GREASE, with a share} \
    -versions TLSv1.3 -source {RFC 8701, 3.1} {
    greet -drop {supported_groups key_share} -add [list {
	extension_type supported_groups
	named_group_list {0x4a4a x25519 secp256r1 secp384r1}
    } [share 0x4a4a \x00 x25519 {}]]
    answered
}

conversation Version-Grease-4 {signature schemes and ALPN of GREASE} \
    -versions {TLSv1.3 TLSv1.2} -source {RFC 8701, 3.1} {
    greet -drop signature_algorithms -add [list [list \
	extension_type signature_algorithms supported_signature_algorithms \
	[concat 0x2a2a $schemes]] [list \
	extension_type application_layer_protocol_negotiation \
	protocol_name_list [list \x3a\x3a http/1.1]]]
    answered
}

conversation Version-Grease-5 {PSK modes of GREASE} -versions TLSv1.3 \
    -source {RFC 8701, 3.1} {
    greet -drop psk_key_exchange_modes -add {
	{extension_type psk_key_exchange_modes ke_modes {0x0b psk_dhe_ke 0xe4}}
    }
    answered
}

conversation Version-Grease-6 {a hundred extensions that nobody knows} \
    -source {RFC 8446, 4.2; RFC 5246, 7.4.1.4} {
    for {set i 0} {$i < 100} {incr i} {
	lappend extensions [list extension_type [expr {0x8000 + $i}] \
	    extension_data [string repeat x $i]]
    }
    greet -add $extensions
    answered
}
