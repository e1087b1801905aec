# names.tcl --
#
#	The registries of TLS: what a code on the wire is called, and back.
#
#	names::name REGISTRY CODE	the name; the code itself if it has none
#	names::code REGISTRY NAME	the number; a number is taken as it is
#	names::all REGISTRY CODES	the names of a list of them
#	names::known REGISTRY NAME	is there such a name?
#	names::table REGISTRY		a dict of all: code -> name
#	names::registries		the registries there are
#
#	Names are those of the IANA registries "Transport Layer Security (TLS)
#	Parameters" and "TLS Extensions", or where a code is in use and not
#	registered, those of the document that has it.  The cipher suites are in
#	a file of their own, suites.tcl.  This file knows nothing of messages.

namespace eval ::pyossl::expect::names {
    variable rows {}	;# dict: registry -> text of "code name alias ..." lines
    variable ready	;# array: registry -> 1 once its arrays are made

    dict set rows content_type {
	20 change_cipher_spec
	21 alert
	22 handshake
	23 application_data
	24 heartbeat
	25 tls12_cid
	26 ack
    }

    # OpenSSL's names, which are those of the rest of the package.
    dict set rows version {
	0x0002 SSLv2
	0x0300 SSLv3		{SSL 3.0}
	0x0301 TLSv1		TLSv1.0 {TLS 1.0}
	0x0302 TLSv1.1		{TLS 1.1}
	0x0303 TLSv1.2		{TLS 1.2}
	0x0304 TLSv1.3		{TLS 1.3}
	0xFEFF DTLSv1		DTLSv1.0
	0xFEFD DTLSv1.2
	0xFEFC DTLSv1.3
    }

    dict set rows handshake_type {
	0 hello_request
	1 client_hello
	2 server_hello
	3 hello_verify_request
	4 new_session_ticket
	5 end_of_early_data
	6 hello_retry_request
	8 encrypted_extensions
	9 request_connection_id
	10 new_connection_id
	11 certificate
	12 server_key_exchange
	13 certificate_request
	14 server_hello_done
	15 certificate_verify
	16 client_key_exchange
	17 client_certificate_request
	20 finished
	21 certificate_url
	22 certificate_status
	23 supplemental_data
	24 key_update
	25 compressed_certificate
	26 ekt_key
	67 next_protocol
	254 message_hash
    }

    dict set rows alert_level {
	1 warning
	2 fatal
    }

    dict set rows alert {
	0 close_notify
	10 unexpected_message
	20 bad_record_mac
	21 decryption_failed
	22 record_overflow
	30 decompression_failure
	40 handshake_failure
	41 no_certificate
	42 bad_certificate
	43 unsupported_certificate
	44 certificate_revoked
	45 certificate_expired
	46 certificate_unknown
	47 illegal_parameter
	48 unknown_ca
	49 access_denied
	50 decode_error
	51 decrypt_error
	52 too_many_cids_requested
	60 export_restriction
	70 protocol_version
	71 insufficient_security
	80 internal_error
	86 inappropriate_fallback
	90 user_canceled
	100 no_renegotiation
	109 missing_extension
	110 unsupported_extension
	111 certificate_unobtainable
	112 unrecognized_name
	113 bad_certificate_status_response
	114 bad_certificate_hash_value
	115 unknown_psk_identity
	116 certificate_required
	117 general_error
	120 no_application_protocol
	121 ech_required
    }

    # Application-layer settings, channel ids and the two of "ech" below are
    # not registered, or under another code by now, and in use all the same.
    dict set rows extension {
	0 server_name
	1 max_fragment_length
	2 client_certificate_url
	3 trusted_ca_keys
	4 truncated_hmac
	5 status_request
	6 user_mapping
	7 client_authz
	8 server_authz
	9 cert_type
	10 supported_groups	elliptic_curves
	11 ec_point_formats
	12 srp
	13 signature_algorithms
	14 use_srtp
	15 heartbeat
	16 application_layer_protocol_negotiation	alpn
	17 status_request_v2
	18 signed_certificate_timestamp
	19 client_certificate_type
	20 server_certificate_type
	21 padding
	22 encrypt_then_mac
	23 extended_master_secret
	24 token_binding
	25 cached_info
	26 tls_lts
	27 compress_certificate
	28 record_size_limit
	29 pwd_protect
	30 pwd_clear
	31 password_salt
	32 ticket_pinning
	33 tls_cert_with_extern_psk
	34 delegated_credential
	35 session_ticket
	36 TLMSP
	37 TLMSP_proxying
	38 TLMSP_delegate
	39 supported_ekt_ciphers
	41 pre_shared_key
	42 early_data
	43 supported_versions
	44 cookie
	45 psk_key_exchange_modes
	47 certificate_authorities
	48 oid_filters
	49 post_handshake_auth
	50 signature_algorithms_cert
	51 key_share
	52 transparency_info
	54 connection_id
	55 external_id_hash
	56 external_session_id
	57 quic_transport_parameters
	58 ticket_request
	59 dnssec_chain
	60 sequence_number_encryption_algorithms
	61 rrc
	62 tls_flags
	13172 next_protocol_negotiation
	17513 application_settings
	30031 channel_id_old
	30032 channel_id
	0xFD00 ech_outer_extensions
	0xFE0D encrypted_client_hello
	0xFF01 renegotiation_info
    }

    dict set rows group {
	1 sect163k1
	2 sect163r1
	3 sect163r2
	4 sect193r1
	5 sect193r2
	6 sect233k1
	7 sect233r1
	8 sect239k1
	9 sect283k1
	10 sect283r1
	11 sect409k1
	12 sect409r1
	13 sect571k1
	14 sect571r1
	15 secp160k1
	16 secp160r1
	17 secp160r2
	18 secp192k1
	19 secp192r1
	20 secp224k1
	21 secp224r1
	22 secp256k1
	23 secp256r1	P-256 prime256v1
	24 secp384r1	P-384
	25 secp521r1	P-521
	26 brainpoolP256r1
	27 brainpoolP384r1
	28 brainpoolP512r1
	29 x25519		X25519
	30 x448			X448
	31 brainpoolP256r1tls13
	32 brainpoolP384r1tls13
	33 brainpoolP512r1tls13
	34 GC256A
	35 GC256B
	36 GC256C
	37 GC256D
	38 GC512A
	39 GC512B
	40 GC512C
	41 curveSM2
	256 ffdhe2048
	257 ffdhe3072
	258 ffdhe4096
	259 ffdhe6144
	260 ffdhe8192
	512 MLKEM512
	513 MLKEM768
	514 MLKEM1024
	4587 SecP256r1MLKEM768
	4588 X25519MLKEM768
	4589 SecP384r1MLKEM1024
	25497 X25519Kyber768Draft00
	25498 SecP256r1Kyber768Draft00
	0xFF01 arbitrary_explicit_prime_curves
	0xFF02 arbitrary_explicit_char2_curves
    }

    # The pairs of hash and signature that TLS 1.2 has and TLS 1.3 has not are
    # named in the manner of the two that are registered.
    dict set rows signature_scheme {
	0x0101 rsa_pkcs1_md5
	0x0201 rsa_pkcs1_sha1
	0x0202 dsa_sha1
	0x0203 ecdsa_sha1
	0x0301 rsa_pkcs1_sha224
	0x0302 dsa_sha224
	0x0303 ecdsa_sha224
	0x0401 rsa_pkcs1_sha256
	0x0402 dsa_sha256
	0x0403 ecdsa_secp256r1_sha256
	0x0420 rsa_pkcs1_sha256_legacy
	0x0501 rsa_pkcs1_sha384
	0x0502 dsa_sha384
	0x0503 ecdsa_secp384r1_sha384
	0x0520 rsa_pkcs1_sha384_legacy
	0x0601 rsa_pkcs1_sha512
	0x0602 dsa_sha512
	0x0603 ecdsa_secp521r1_sha512
	0x0620 rsa_pkcs1_sha512_legacy
	0x0704 eccsi_sha256
	0x0705 iso_ibs1
	0x0706 iso_ibs2
	0x0707 iso_chinese_ibs
	0x0708 sm2sig_sm3
	0x0709 gostr34102012_256a
	0x070A gostr34102012_256b
	0x070B gostr34102012_256c
	0x070C gostr34102012_256d
	0x070D gostr34102012_512a
	0x070E gostr34102012_512b
	0x070F gostr34102012_512c
	0x0804 rsa_pss_rsae_sha256
	0x0805 rsa_pss_rsae_sha384
	0x0806 rsa_pss_rsae_sha512
	0x0807 ed25519
	0x0808 ed448
	0x0809 rsa_pss_pss_sha256
	0x080A rsa_pss_pss_sha384
	0x080B rsa_pss_pss_sha512
	0x081A ecdsa_brainpoolP256r1tls13_sha256
	0x081B ecdsa_brainpoolP384r1tls13_sha384
	0x081C ecdsa_brainpoolP512r1tls13_sha512
	0x0904 mldsa44
	0x0905 mldsa65
	0x0906 mldsa87
    }

    dict set rows certificate_type {
	0 X509
	1 OpenPGP
	2 RawPublicKey
	3 1609Dot2
    }

    # Of CertificateRequest before TLS 1.3.
    dict set rows client_certificate_type {
	1 rsa_sign
	2 dss_sign
	3 rsa_fixed_dh
	4 dss_fixed_dh
	5 rsa_ephemeral_dh
	6 dss_ephemeral_dh
	20 fortezza_dms
	64 ecdsa_sign
	65 rsa_fixed_ecdh
	66 ecdsa_fixed_ecdh
	67 gost_sign256
	68 gost_sign512
    }

    dict set rows ec_point_format {
	0 uncompressed
	1 ansiX962_compressed_prime
	2 ansiX962_compressed_char2
    }
    dict set rows ec_curve_type {
	1 explicit_prime
	2 explicit_char2
	3 named_curve
    }
    dict set rows ec_basis_type {
	1 ec_basis_trinomial
	2 ec_basis_pentanomial
    }
    dict set rows psk_key_exchange_mode {
	0 psk_ke
	1 psk_dhe_ke
    }
    dict set rows compression_method {
	0 null
	1 DEFLATE
	64 LZS
    }
    dict set rows certificate_status_type {
	1 ocsp
	2 ocsp_multi
    }
    dict set rows name_type {
	0 host_name
    }
    dict set rows max_fragment_length {
	1 2^9
	2 2^10
	3 2^11
	4 2^12
    }
    dict set rows heartbeat_mode {
	1 peer_allowed_to_send
	2 peer_not_allowed_to_send
    }
    dict set rows heartbeat_message_type {
	1 heartbeat_request
	2 heartbeat_response
    }
    dict set rows key_update_request {
	0 update_not_requested
	1 update_requested
    }
    dict set rows change_cipher_spec {
	1 change_cipher_spec
    }
    dict set rows srtp_protection_profile {
	0x0001 SRTP_AES128_CM_HMAC_SHA1_80
	0x0002 SRTP_AES128_CM_HMAC_SHA1_32
	0x0005 SRTP_NULL_HMAC_SHA1_80
	0x0006 SRTP_NULL_HMAC_SHA1_32
	0x0007 SRTP_AEAD_AES_128_GCM
	0x0008 SRTP_AEAD_AES_256_GCM
	0x0009 DOUBLE_AEAD_AES_128_GCM_AEAD_AES_128_GCM
	0x000A DOUBLE_AEAD_AES_256_GCM_AEAD_AES_256_GCM
	0x000B SRTP_ARIA_128_CTR_HMAC_SHA1_80
	0x000C SRTP_ARIA_128_CTR_HMAC_SHA1_32
	0x000D SRTP_ARIA_256_CTR_HMAC_SHA1_80
	0x000E SRTP_ARIA_256_CTR_HMAC_SHA1_32
	0x000F SRTP_AEAD_ARIA_128_GCM
	0x0010 SRTP_AEAD_ARIA_256_GCM
    }
    dict set rows certificate_compression_algorithm {
	1 zlib
	2 brotli
	3 zstd
    }
    dict set rows cached_information_type {
	1 cert
	2 cert_req
    }
    dict set rows token_binding_key_parameter {
	0 rsa2048_pkcs1.5
	1 rsa2048_pss
	2 ecdsap256
    }
    dict set rows trusted_authority_type {
	0 pre_agreed
	1 key_sha1_hash
	2 x509_name
	3 cert_sha1_hash
    }
    dict set rows cert_chain_type {
	0 individual_certs
	1 pkipath
    }
    dict set rows user_mapping_type {
	64 upn_domain_hint
    }
    dict set rows supplemental_data_type {
	0 user_mapping_data
	16386 authz_data
    }
    dict set rows authorization_data_format {
	0 x509_attr_cert
	1 saml_assertion
	2 x509_attr_cert_url
	3 saml_assertion_url
	64 keynote_assertion_list
	65 keynote_assertion_list_url
	66 dtcp_authorization
    }
    dict set rows ech_client_hello_type {
	0 outer
	1 inner
    }
    dict set rows hpke_kdf {
	1 HKDF-SHA256
	2 HKDF-SHA384
	3 HKDF-SHA512
    }
    dict set rows hpke_aead {
	1 AES-128-GCM
	2 AES-256-GCM
	3 ChaCha20Poly1305
	0xFFFF Export-only
    }
    dict set rows quic_transport_parameter {
	0 original_destination_connection_id
	1 max_idle_timeout
	2 stateless_reset_token
	3 max_udp_payload_size
	4 initial_max_data
	5 initial_max_stream_data_bidi_local
	6 initial_max_stream_data_bidi_remote
	7 initial_max_stream_data_uni
	8 initial_max_streams_bidi
	9 initial_max_streams_uni
	10 ack_delay_exponent
	11 max_ack_delay
	12 disable_active_migration
	13 preferred_address
	14 active_connection_id_limit
	15 initial_source_connection_id
	16 retry_source_connection_id
	17 version_information
	32 max_datagram_frame_size
	0x2AB2 grease_quic_bit
    }
}

source -encoding utf-8 [file join [file dirname [info script]] suites.tcl]

# Makes the two arrays of a registry when it is first asked for: NAME(code)
# and CODE(name), called after it.
proc ::pyossl::expect::names::Prepare {registry} {
    variable rows
    variable ready
    if {![dict exists $rows $registry]} {
	return -code error -errorcode [list PYOSSL EXPECT NAME $registry] \
	    "there is no registry \"$registry\""
    }
    upvar #0 [namespace current]::name_$registry name \
	[namespace current]::code_$registry code
    foreach line [split [dict get $rows $registry] \n] {
	if {[llength $line] == 0} {
	    continue
	}
	set number [expr {[lindex $line 0]}]
	set name($number) [lindex $line 1]
	foreach word [lrange $line 1 end] {
	    set code($word) $number
	}
    }
    set ready($registry) 1
}

# names::name registry code
#
#	What a code is called.
#
# Results:
#	The name, or the code as a decimal number if it has none.
# Errors:
#	PYOSSL EXPECT NAME if there is no such registry.
# Source:
#	IANA, TLS Parameters; RFC 8447
proc ::pyossl::expect::names::name {registry code} {
    variable ready
    if {![info exists ready($registry)]} {
	Prepare $registry
    }
    upvar #0 [namespace current]::name_$registry name
    if {[info exists name($code)]} {
	return $name($code)
    }
    if {![string is entier -strict $code]} {
	return $code
    }
    set code [expr {$code + 0}]
    return [expr {[info exists name($code)] ? $name($code) : $code}]
}

# names::all registry codes -- a list of numbers as [name] has each.
proc ::pyossl::expect::names::all {registry codes} {
    variable ready
    if {![info exists ready($registry)]} {
	Prepare $registry
    }
    upvar #0 [namespace current]::name_$registry name
    return [lmap code $codes {
	expr {[info exists name($code)] ? $name($code) : $code}
    }]
}

# names::code registry name
#
#	The number of a name. A number, in any of Tcl's ways to write it, is
#	itself, whether it is registered or not.
#
# Results:
#	A decimal number.
# Errors:
#	PYOSSL EXPECT NAME with the registry, if it is neither.
# Source:
#	IANA, TLS Parameters
proc ::pyossl::expect::names::code {registry name} {
    variable ready
    if {![info exists ready($registry)]} {
	Prepare $registry
    }
    upvar #0 [namespace current]::code_$registry code
    if {[info exists code($name)]} {
	return $code($name)
    }
    if {[string is entier -strict $name]} {
	return [expr {$name + 0}]
    }
    set like [Similar $name [array names code]]
    return -code error -errorcode [list PYOSSL EXPECT NAME $registry] \
	"unknown [string map {_ { }} $registry] \"$name\"$like"
}

# Names that differ only in case or begin alike are what was meant, perhaps.
proc ::pyossl::expect::names::Similar {name all} {
    if {$name eq ""} {
	return ""
    }
    set found [lsearch -all -inline -nocase $all \
	[string map {* \\* ? \\? [ \\[ ] \\] \\ \\\\} $name]*]
    if {[llength $found] == 0} {
	return ""
    }
    return ": did you mean [join [lrange [lsort $found] 0 2] {, }]?"
}

proc ::pyossl::expect::names::known {registry name} {
    variable ready
    if {![info exists ready($registry)]} {
	Prepare $registry
    }
    upvar #0 [namespace current]::code_$registry code
    return [info exists code($name)]
}

# names::table registry -- all of a registry: a dict of code to name.
proc ::pyossl::expect::names::table {registry} {
    variable ready
    if {![info exists ready($registry)]} {
	Prepare $registry
    }
    upvar #0 [namespace current]::name_$registry name
    set result {}
    foreach code [lsort -integer [array names name]] {
	lappend result $code $name($code)
    }
    return $result
}

proc ::pyossl::expect::names::registries {} {
    variable rows
    return [lsort [dict keys $rows]]
}
