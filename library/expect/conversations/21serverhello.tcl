# 21serverhello.tcl --
#
#	What a client makes of a ServerHello that is not an answer to what it has
#	said.

family ServerHello client {clients, and ServerHellos that are wrong}

#------------------------------------------------------------------------
# TLS 1.3
#------------------------------------------------------------------------

# What it has: options of tell.
foreach {n title source arguments alerts} {
    1 {it selects a version that there is not} {RFC 8446, 4.2.1}
	{-drop supported_versions -add {{
	    extension_type supported_versions selected_version 0x0305}}}
	{illegal_parameter protocol_version}
    2 {it selects TLS 1.2 by supported_versions} {RFC 8446, 4.2.1}
	{-drop supported_versions -add {{
	    extension_type supported_versions selected_version TLSv1.2}}}
	{illegal_parameter protocol_version}
    3 {it has a cipher suite that there is not} {RFC 8446, 4.1.3}
	{cipher_suite 0x13ff} illegal_parameter
    4 {it has a cipher suite of GREASE} {RFC 8701, 3.1}
	{cipher_suite 0x1a1a} illegal_parameter
    5 {it has a cipher suite of TLS 1.2} {RFC 8446, 4.1.3}
	{cipher_suite TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256} illegal_parameter
    6 {it has another session id} {RFC 8446, 4.1.3}
	{legacy_session_id_echo abcdefgh} illegal_parameter
    7 {it compresses} {RFC 8446, 4.1.3}
	{legacy_compression_method DEFLATE} illegal_parameter
    8 {it has no key_share} {RFC 8446, 9.2}
	{-drop key_share} {missing_extension illegal_parameter}
    9 {it has a share of a group that there is not} {RFC 8446, 4.2.8}
	{-drop key_share -add {{extension_type key_share
	    server_share {group 0xfe11 key_exchange abc}}}} illegal_parameter
    10 {it has a share of x25519 that makes a secret of zeros} {RFC 8446, 7.4.2}
	{-drop key_share -add {{extension_type key_share
	    extension_data "\x00\x1d\x00\x20[string repeat \x00 32]"}}}
	{illegal_parameter handshake_failure}
    11 {it has a share of x25519 that is a byte short} {RFC 8446, 4.2.8.2}
	{-drop key_share -add {{extension_type key_share
	    extension_data "\x00\x1d\x00\x1f[string repeat k 31]"}}}
	{illegal_parameter decode_error}
    12 {its share has no bytes} {RFC 8446, 4.2.8 and 6}
	{-drop key_share -add {{extension_type key_share
	    extension_data \x00\x1d\x00\x00}}}
	{illegal_parameter decode_error}
    13 {its key_share has bytes left over} {RFC 8446, 4.2.8 and 6}
	{-drop key_share -add {{extension_type key_share
	    extension_data "\x00\x1d\x00\x20[string repeat k 33]"}}}
	{decode_error illegal_parameter}
    14 {it has use_srtp, which was not asked for} {RFC 8446, 4.2}
	{-add {{extension_type use_srtp
	    SRTPProtectionProfiles 1 srtp_mki {}}}}
	{unsupported_extension illegal_parameter}
    15 {it has server_name, which is for EncryptedExtensions} {RFC 8446, 4.2}
	{-add {{extension_type server_name}}}
	{illegal_parameter unsupported_extension}
    16 {it has supported_groups, which is for EncryptedExtensions}
	{RFC 8446, 4.2} {-add {{extension_type supported_groups
	    named_group_list x25519}}}
	{illegal_parameter unsupported_extension}
    17 {it has pre_shared_key, and none was offered} {RFC 8446, 4.2 and 4.2.11}
	{-add {{extension_type pre_shared_key selected_identity 0}}}
	{unsupported_extension illegal_parameter}
    18 {it has a cookie} {RFC 8446, 4.2}
	{-add {{extension_type cookie extension_data \x00\x01a}}}
	{unsupported_extension illegal_parameter}
    19 {it has renegotiation_info} {RFC 8446, 4.2 and 4.1.2}
	{-add {{extension_type renegotiation_info}}}
	{illegal_parameter unsupported_extension}
    20 {its supported_versions has no bytes} {RFC 8446, 4.2.1 and 6}
	{-drop supported_versions -add {{
	    extension_type supported_versions extension_data {}}}} decode_error
    21 {its supported_versions has a byte left over} {RFC 8446, 4.2.1 and 6}
	{-drop supported_versions -add {{
	    extension_type supported_versions extension_data \x03\x04\x00}}}
	decode_error
    22 {it has no session id where the client has one} {RFC 8446, 4.1.3}
	{legacy_session_id_echo {}} illegal_parameter
    23 {its key_share is there twice} {RFC 8446, 4.2}
	{-add {{extension_type key_share
	    extension_data "\x00\x1d\x00\x20[string repeat k 32]"}}} {}
} {
    conversation ServerHello-New-$n "a ServerHello of TLS 1.3: $title" \
	-versions TLSv1.3 -source $source [format {
	set hello [called]
	if {%d == 22 && [dict get $hello legacy_session_id] eq ""} {
	    skip "the client has no session id"
	}
	tell ServerHello {*}[subst {%s}]
	refused %s
    } $n $arguments $alerts]
}

#------------------------------------------------------------------------
# TLS 1.2
#------------------------------------------------------------------------

foreach {n title source arguments alerts} {
    1 {it has a cipher suite that was not offered} {RFC 5246, 7.4.1.3}
	{cipher_suite TLS_RSA_WITH_NULL_MD5}
	{illegal_parameter handshake_failure}
    2 {it has a cipher suite that there is not} {RFC 5246, 7.4.1.3}
	{cipher_suite 0xfefe} {illegal_parameter handshake_failure}
    3 {it has a cipher suite of TLS 1.3} {RFC 8446, 4.1.3 and B.4}
	{cipher_suite TLS_AES_128_GCM_SHA256}
	{illegal_parameter handshake_failure}
    4 {its cipher suite is a signal} {RFC 5746, 3.3}
	{cipher_suite TLS_EMPTY_RENEGOTIATION_INFO_SCSV}
	{illegal_parameter handshake_failure}
    5 {it compresses} {RFC 5246, 7.4.1.3}
	{legacy_compression_method DEFLATE}
	{illegal_parameter handshake_failure}
    6 {it has use_srtp, which was not asked for} {RFC 5246, 7.4.1.4}
	{-add {{extension_type use_srtp
	    SRTPProtectionProfiles 1 srtp_mki {}}}}
	unsupported_extension
    7 {it has heartbeat, which was not asked for} {RFC 5246, 7.4.1.4}
	{-add {{extension_type heartbeat}}} unsupported_extension
    8 {it has max_fragment_length, which was not asked for} {RFC 6066, 4}
	{-add {{extension_type max_fragment_length max_fragment_length 1}}}
	{unsupported_extension illegal_parameter}
    9 {its renegotiation_info is not empty} {RFC 5746, 3.4}
	{-drop renegotiation_info -add {{extension_type renegotiation_info
	    renegotiated_connection abc}}} handshake_failure
    10 {its extended_master_secret is not empty} {RFC 7627, 5.1; RFC 5246, 7.2.2}
	{-drop extended_master_secret -add {{
	    extension_type extended_master_secret extension_data \x00}}}
	{decode_error illegal_parameter}
    11 {its extended_master_secret is there twice} {RFC 5246, 7.4.1.4}
	{-add {{extension_type extended_master_secret}}} {}
    12 {its ec_point_formats has no uncompressed} {RFC 8422, 5.2}
	{-add {{extension_type ec_point_formats
	    ec_point_format_list ansiX962_compressed_prime}}}
	{illegal_parameter handshake_failure}
    13 {its ec_point_formats is empty} {RFC 8422, 5.1.2; RFC 5246, 7.2.2}
	{-add {{extension_type ec_point_formats ec_point_format_list {}}}}
	{decode_error illegal_parameter}
    14 {its version is one that there is not} {RFC 5246, E.1}
	{legacy_version 0x0305} {protocol_version illegal_parameter}
    15 {its version is 3.4, and there is no supported_versions}
	{RFC 8446, 4.1.3} {legacy_version TLSv1.3}
	{protocol_version illegal_parameter missing_extension}
    16 {its version is SSL 3.0} {RFC 7568, 3}
	{legacy_version SSLv3} {protocol_version handshake_failure}
    17 {its version is SSL 2.0} {RFC 6176, 3}
	{legacy_version 0x0002}
	{protocol_version illegal_parameter unexpected_message decode_error}
    18 {it has signature_algorithms, which is the client's} {RFC 5246, 7.4.1.4.1}
	{-add {{extension_type signature_algorithms
	    supported_signature_algorithms rsa_pkcs1_sha256}}}
	{unsupported_extension illegal_parameter}
    19 {it has key_share} {RFC 8446, 4.2.8}
	{-add {{extension_type key_share
	    server_share {group x25519 key_exchange [string repeat k 32]}}}}
	{unsupported_extension illegal_parameter}
} {
    conversation ServerHello-Old-$n "a ServerHello of TLS 1.2: $title" \
	-versions TLSv1.2 -source $source [format {
	set hello [called]
	if {%d == 11 && [extension $hello extended_master_secret] eq ""} {
	    skip "the client does not do extended_master_secret"
	}
	tell ServerHello {*}[subst {%s}]
	# Some look at the rest when they have the whole flight.
	tell Certificate
	tell ServerKeyExchange
	tell ServerHelloDone
	refused %s
    } $n $arguments $alerts]
}

conversation ServerHello-Session-1 {a session id that was not offered is that\
    of a new session} -versions TLSv1.2 -source {RFC 5246, 7.4.1.3} {
    called
    offered ServerHelloDone
    answers ClientKeyExchange
}

conversation ServerHello-Session-2 {no session id} -versions TLSv1.2 \
    -source {RFC 5246, 7.4.1.3} {
    called
    tell ServerHello legacy_session_id_echo {}
    tell Certificate
    tell ServerKeyExchange
    tell ServerHelloDone
    answers ClientKeyExchange
}

#------------------------------------------------------------------------
# Downgrades
#------------------------------------------------------------------------

foreach {n signal text} {1 \x01 {TLS 1.3} 2 \x00 {TLS 1.2 and more}} {
    conversation ServerHello-Downgrade-$n "a ServerHello of TLS 1.2 whose\
	random says that it could do $text" \
	-versions TLSv1.3 -source {RFC 8446, 4.1.3} [format {
	set hello [called]
	if {"TLSv1.2" ni [Offered $hello]} {
	    skip "the client offers TLS 1.3 only"
	}
	set now(version) TLSv1.2
	tell ServerHello random [::pyossl::rand bytes 24]DOWNGRD%s
	tell Certificate
	tell ServerKeyExchange
	tell ServerHelloDone
	refused illegal_parameter
    } $signal]
}
unset signal text n title source arguments alerts

conversation ServerHello-Downgrade-3 {a ServerHello of TLS 1.1, where the\
    client offers no less than 1.2} -versions {TLSv1.3 TLSv1.2} \
    -source {RFC 8446, 4.2.1; RFC 5246, E.1} {
    if {"TLSv1.1" in [Offered [called]]} {
	skip "the client offers TLS 1.1"
    }
    set now(version) TLSv1.2
    tell ServerHello legacy_version TLSv1.1
    refused protocol_version illegal_parameter
}

#------------------------------------------------------------------------
# Lengths
#------------------------------------------------------------------------

foreach {n title script} {
    1 {that has no bytes} {set _ ""}
    2 {that ends in its random} {string range $body 0 20}
    3 {that ends before its cipher suite} {
	string cat [string range $body 0 33] \x00
    }
    4 {whose session id has 33 bytes} {
	string cat [string range $body 0 33] \x21[string repeat s 33]\x13\x01\x00
    }
    5 {whose last extension is cut} {string range $body 0 end-1}
    6 {with a byte left over} {string cat $body \x00}
    7 {whose session id goes beyond its end} {
	string cat [string range $body 0 33] \xffabc
    }
} {
    conversation ServerHello-Length-$n "a ServerHello $title" \
	-versions {TLSv1.3 TLSv1.2} -source {RFC 8446, 4.1.3 and 6} [format {
	called
	set body [string range [encode ServerHello [message ServerHello]] 4 end]
	send -handshake ServerHello [list body [eval {%s}]]
	refused decode_error illegal_parameter
    } $script]
}

conversation ServerHello-Length-8 {the extensions are longer than the message} \
    -versions {TLSv1.3 TLSv1.2} -source {RFC 8446, 4.1.3 and 6} {
    called
    tell ServerHello extensions_length 600
    refused decode_error
}

conversation ServerHello-Length-9 {the extensions are shorter than the message} \
    -versions {TLSv1.3 TLSv1.2} -source {RFC 8446, 4.1.3 and 6} {
    called
    tell ServerHello extensions_length 1
    refused decode_error
}

conversation ServerHello-Length-10 {an extension is longer than the extensions} \
    -versions {TLSv1.3 TLSv1.2} -source {RFC 8446, 4.2 and 6} {
    called
    tell ServerHello -add {{extension_type 0x8001 extension_data abc
	extension_data_length 2000}}
    refused decode_error
}
