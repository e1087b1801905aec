# message.tcl --
#
#	The handshake messages of SSL 3.0 to TLS 1.3, and what stands in records
#	of the other types: a table in the grammar of wire.tcl.  decode and
#	encode.
#
#	A message has several forms where it looks different by the version of
#	the protocol or the key exchange.  Then the dict has these too, as
#	version and key_exchange, and so it can be encoded again.

if {[namespace which ::pyossl::expect::wire::Get] eq ""} {
    source -encoding utf-8 [file join [file dirname [info script]] wire.tcl]
}
source -encoding utf-8 [file join [file dirname [info script]] extension.tcl]

namespace eval ::pyossl::expect::message {
    # What makes a ServerHello a HelloRetryRequest (RFC 8446, 4.1.3).
    variable retry [binary format H* [join {
	cf21ad74e59a6111be1d8c021e65b891 c2a211167abb8c5e079e09e2c8a8339c
    } {}]]

    variable rows {}	;# dict: name -> {handshake type or "" for none, forms}
    variable byType	;# array: handshake type -> name
    variable old {TLSv1.1 TLSv1 SSLv3}
    variable tls12 {TLSv1.2 TLSv1.1 TLSv1 SSLv3}
}

#------------------------------------------------------------------------
# The tables
#------------------------------------------------------------------------

# Row name type ?hints fields ...? --
#	A message and its forms.  The hints are a dict of version and
#	key_exchange, each the list of those that the form is for, and guess:
#	0 if nothing but such a hint tells the form from others.
proc ::pyossl::expect::message::Row {name type args} {
    variable rows
    variable byType
    dict set rows $name [list $type $args]
    if {$type ne "" && ![info exists byType($type)]} {
	set byType($type) $name
    }
}

namespace eval ::pyossl::expect::message {
    Row HelloRequest 0 {} {}

    Row ClientHello 1 {} {
	{legacy_version {code16 version} -default TLSv1.2 -also client_version}
	{random {bytes 32} -make {::pyossl::rand bytes 32}}
	{legacy_session_id opaque8 -also session_id}
	{cipher_suites {list16 {code16 cipher_suite}} -default {
	    TLS_AES_128_GCM_SHA256 TLS_AES_256_GCM_SHA384
	    TLS_CHACHA20_POLY1305_SHA256
	    TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256
	    TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256
	    TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384
	    TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384
	    TLS_EMPTY_RENEGOTIATION_INFO_SCSV
	}}
	{legacy_compression_methods {list8 {code8 compression_method}}
	    -default null -also compression_methods}
	{extensions {optional {list16 {extension ClientHello}}}
	    -make ::pyossl::expect::message::ClientExtensions}
    }

    Row ServerHello 2 {} {
	{legacy_version {code16 version} -default TLSv1.2 -also server_version}
	{random {bytes 32} -make {::pyossl::rand bytes 32}}
	{legacy_session_id_echo opaque8 -also {session_id legacy_session_id}}
	{cipher_suite {code16 cipher_suite} -default TLS_AES_128_GCM_SHA256}
	{legacy_compression_method {code8 compression_method}
	    -also compression_method}
	{extensions {optional {list16 {extension ServerHello}}}
	    -make ::pyossl::expect::message::ServerExtensions}
    }

    Row HelloRetryRequest 2 {} {
	{legacy_version {code16 version} -default TLSv1.2 -also server_version}
	{random {bytes 32} -make {set ::pyossl::expect::message::retry}}
	{legacy_session_id_echo opaque8 -also {session_id legacy_session_id}}
	{cipher_suite {code16 cipher_suite} -default TLS_AES_128_GCM_SHA256}
	{legacy_compression_method {code8 compression_method}
	    -also compression_method}
	{extensions {optional {list16 {extension HelloRetryRequest}}} -default {
	    {extension_type supported_versions}
	    {extension_type key_share}
	}}
    }

    Row NewSessionTicket 4 {version TLSv1.3} {
	{ticket_lifetime u32}
	{ticket_age_add u32}
	{ticket_nonce opaque8}
	{ticket opaque16}
	{extensions {list16 {extension NewSessionTicket}}}
    } [list version $tls12] {
	{ticket_lifetime_hint u32}
	{ticket opaque16}
    }

    Row EndOfEarlyData 5 {} {}

    Row EncryptedExtensions 8 {} {
	{extensions {list16 {extension EncryptedExtensions}}}
    }

    # RFC 7250 has a single key in the place of the list.
    Row Certificate 11 {version TLSv1.3} {
	{certificate_request_context opaque8}
	{certificate_list {list24 {struct {
	    {cert_data opaque24}
	    {extensions {list16 {extension Certificate}}}
	}}}}
    } [list version $tls12] {
	{certificate_list {list24 opaque24}}
    } [list version $tls12] {
	{ASN1_subjectPublicKeyInfo opaque24}
    }

    Row CertificateRequest 13 {version TLSv1.3} {
	{certificate_request_context opaque8}
	{extensions {list16 {extension CertificateRequest}}}
    } {version TLSv1.2} {
	{certificate_types {list8 {code8 client_certificate_type}}}
	{supported_signature_algorithms {list16 {code16 signature_scheme}}}
	{certificate_authorities {list16 opaque16}}
    } [list version $old] {
	{certificate_types {list8 {code8 client_certificate_type}}}
	{certificate_authorities {list16 opaque16}}
    }

    Row ServerHelloDone 14 {} {}

    Row CertificateVerify 15 {version {TLSv1.2 TLSv1.3}} {
	{algorithm {code16 signature_scheme}}
	{signature opaque16}
    } [list version $old] {
	{signature opaque16}
    }

    Row Finished 20 {} {{verify_data rest -make {binary format x12}}}

    Row CertificateURL 21 {} {
	{type {code8 cert_chain_type}}
	{url_and_hash_list {list16 {struct {
	    {url opaque16}
	    {padding u8 -default 1}
	    {SHA1Hash {bytes 20}}
	}}}}
    }

    Row CertificateStatus 22 {} {
	{status_type {code8 certificate_status_type} -default ocsp}
	{? status_type {
	    ocsp {{response opaque24}}
	    ocsp_multi {{ocsp_response_list {list24 opaque24}}}
	    * {{response rest}}
	}}
    }

    Row SupplementalData 23 {} {
	{supp_data {list24 {struct {
	    {supp_data_type {code16 supplemental_data_type}}
	    {data opaque16}
	}}}}
    }

    Row KeyUpdate 24 {} {{request_update {code8 key_update_request}}}

    Row CompressedCertificate 25 {} {
	{algorithm {code16 certificate_compression_algorithm}}
	{uncompressed_length u24}
	{compressed_certificate_message opaque24}
    }

    Row NextProtocol 67 {} {
	{selected_protocol opaque8}
	{padding opaque8}
    }

    Row message_hash 254 {} {{hash rest}}

    # What stands in records of other types.
    Row ChangeCipherSpec {} {} {
	{type {code8 change_cipher_spec} -default change_cipher_spec}
    }
    Row Alert {} {} {
	{level {code8 alert_level} -default warning}
	{description {code8 alert} -default close_notify}
    }
    Row Heartbeat {} {} {
	{type {code8 heartbeat_message_type} -default heartbeat_request}
	{payload opaque16}
	{padding rest -make {::pyossl::rand bytes 16}}
    }
    Row ApplicationData {} {} {{data rest}}

    variable records {
	change_cipher_spec ChangeCipherSpec alert Alert heartbeat Heartbeat
	application_data ApplicationData
    }
}

# The two messages of the key exchange are put together of parts.
apply {{} {
    variable old
    set curve {
	{a opaque8}
	{b opaque8}
    }
    set parts(ecdh) [subst -nobackslashes -nocommands {
	{curve_type {code8 ec_curve_type} -default named_curve}
	{? curve_type {
	    named_curve {{namedcurve {code16 group} -default secp256r1}}
	    explicit_prime {
		{prime_p opaque8}
		{curve {struct {$curve}}}
		{base opaque8}
		{order opaque8}
		{cofactor opaque8}
	    }
	    explicit_char2 {
		{m u16}
		{basis {code8 ec_basis_type}}
		{? basis {
		    ec_basis_trinomial {{k opaque8}}
		    ec_basis_pentanomial {
			{k1 opaque8}
			{k2 opaque8}
			{k3 opaque8}
		    }
		}}
		{curve {struct {$curve}}}
		{base opaque8}
		{order opaque8}
		{cofactor opaque8}
	    }
	}}
	{public opaque8}
    }]
    set parts(dh) {
	{dh_p opaque16}
	{dh_g opaque16}
	{dh_Ys opaque16}
    }
    set parts(rsa) {
	{rsa_modulus opaque16}
	{rsa_exponent opaque16}
    }
    set parts(srp) {
	{srp_N opaque16}
	{srp_g opaque16}
	{srp_s opaque8}
	{srp_B opaque16}
    }
    set parts(hint) {{psk_identity_hint opaque16}}
    set parts(signed) {
	{algorithm {code16 signature_scheme}}
	{signature opaque16}
    }
    set parts(oldSigned) {{signature opaque16}}

    set forms {}
    foreach {exchanges guess first} {
	ecdhe 1 ecdh dhe 1 dh rsa_export 0 rsa srp 0 srp
    } {
	foreach {versions more} [list {TLSv1.2} signed $old oldSigned] {
	    lappend forms [list key_exchange $exchanges version $versions \
		guess $guess] [concat $parts($first) $parts($more)]
	}
    }
    foreach {exchanges guess these} {
	ecdh_anon 1 ecdh dh_anon 1 dh ecdhe_psk 1 {hint ecdh}
	{psk rsa_psk} 1 hint dhe_psk 0 {hint dh} srp_anon 0 srp
    } {
	lappend forms [list key_exchange $exchanges guess $guess] \
	    [concat {*}[lmap part $these {set parts($part)}]]
    }
    lappend forms {key_exchange unknown} {{body rest}}
    Row ServerKeyExchange 12 {*}$forms

    # Bytes behind a length of two bytes may be any of three things.
    Row ClientKeyExchange 16 {key_exchange {ecdhe ecdh_anon ecdh}} {
	{ecdh_Yc opaque8}
    } {key_exchange ecdhe_psk} {
	{psk_identity opaque16}
	{ecdh_Yc opaque8}
    } {key_exchange {dhe dh_anon dh} guess 0} {
	{dh_Yc opaque16}
    } {key_exchange rsa version {TLSv1.2 TLSv1.1 TLSv1} guess 0} {
	{encrypted_pre_master_secret opaque16}
    } {key_exchange rsa version SSLv3 guess 0} {
	{encrypted_pre_master_secret rest}
    } {key_exchange psk guess 0} {
	{psk_identity opaque16}
    } {key_exchange dhe_psk guess 0} {
	{psk_identity opaque16}
	{dh_Yc opaque16}
    } {key_exchange rsa_psk guess 0} {
	{psk_identity opaque16}
	{encrypted_pre_master_secret opaque16}
    } {key_exchange {srp srp_anon} guess 0} {
	{srp_A opaque16}
    } {key_exchange unknown} {
	{body rest}
    }
} ::pyossl::expect::message}

# The extensions of a ClientHello that says nothing of them: a server of TLS
# 1.2 or 1.3 answers it.  Any 32 bytes are a public key of x25519.
proc ::pyossl::expect::message::ClientExtensions {} {
    return [list {
	extension_type supported_versions versions {TLSv1.3 TLSv1.2}
    } {
	extension_type supported_groups
	named_group_list {x25519 secp256r1 secp384r1}
    } {
	extension_type ec_point_formats ec_point_format_list uncompressed
    } {
	extension_type signature_algorithms supported_signature_algorithms {
	    ecdsa_secp256r1_sha256 rsa_pss_rsae_sha256 rsa_pkcs1_sha256
	    ecdsa_secp384r1_sha384 rsa_pss_rsae_sha384 rsa_pkcs1_sha384
	    ed25519 rsa_pss_rsae_sha512 rsa_pkcs1_sha512
	}
    } {
	extension_type extended_master_secret
    } {
	extension_type psk_key_exchange_modes ke_modes psk_dhe_ke
    } [list extension_type key_share client_shares [list [list \
	group x25519 key_exchange [::pyossl::rand bytes 32]]]]]
}

proc ::pyossl::expect::message::ServerExtensions {} {
    return [list {extension_type supported_versions} \
	[list extension_type key_share server_share [list \
	group x25519 key_exchange [::pyossl::rand bytes 32]]]]
}

#------------------------------------------------------------------------
# Names and framing
#------------------------------------------------------------------------

# message::nameOf bytes
#
#	The name of a handshake message, without decoding it.
#
# Arguments:
#	bytes	The message with its head of four bytes.
# Results:
#	Its RFC's name; the name in the registry, or the number of the type, of
#	one that the codec has no row for; empty if there is no byte.
# Source:
#	RFC 8446, 4 and 4.1.3
proc ::pyossl::expect::message::nameOf {bytes} {
    variable byType
    variable retry
    if {![binary scan $bytes cu type]} {
	return ""
    }
    if {$type == 2 && [string range $bytes 6 37] eq $retry} {
	return HelloRetryRequest
    }
    if {[info exists byType($type)]} {
	return $byType($type)
    }
    return [[namespace parent]::names::name handshake_type $type]
}

# message::names -- all names that encode takes.
proc ::pyossl::expect::message::names {} {
    variable rows
    return [dict keys $rows]
}

# message::split bufferVar
#
#	Takes the complete handshake messages from the beginning of a buffer,
#	to which the fragments of handshake records have been appended.
#
# Arguments:
#	bufferVar	The name of a variable in the caller; what is left in
#		it is the beginning of a message.
# Results:
#	A list of messages, each with its head.
# Source:
#	RFC 8446, 4 and 5.1
proc ::pyossl::expect::message::split {bufferVar} {
    upvar 1 $bufferVar buffer
    set result {}
    set at 0
    set size [string length $buffer]
    while {$at + 4 <= $size} {
	binary scan $buffer @${at}cucuSu type high low
	set end [expr {$at + 4 + ($high << 16 | $low)}]
	if {$end > $size} {
	    break
	}
	lappend result [string range $buffer $at $end-1]
	set at $end
    }
    if {$at > 0} {
	set buffer [string range $buffer $at end]
    }
    return $result
}

# message::keyExchange suite --
#	What the key exchange of a cipher suite is called in the tables; the
#	suite is a number, a name of the registry, or OpenSSL's name.
proc ::pyossl::expect::message::keyExchange {suite} {
    set name [[namespace parent]::names::name cipher_suite $suite]
    if {![string match TLS_* $name]} {
	set name TLS_[string map {- _} $name]_WITH_
    }
    foreach {pattern exchange} {
	TLS_ECDHE_PSK_* ecdhe_psk
	TLS_DHE_PSK_* dhe_psk
	TLS_PSK_DHE_* dhe_psk
	TLS_RSA_PSK_* rsa_psk
	TLS_PSK_* psk
	TLS_ECDHE_* ecdhe
	TLS_ECDH_anon_* ecdh_anon
	TLS_AECDH_* ecdh_anon
	TLS_ECDH_* ecdh
	TLS_DHE_* dhe
	TLS_EDH_* dhe
	TLS_DH_anon_* dh_anon
	TLS_ADH_* dh_anon
	TLS_DH_* dh
	TLS_SRP_SHA_WITH_* srp_anon
	TLS_SRP_SHA_RSA_* srp
	TLS_SRP_SHA_DSS_* srp
	TLS_SRP_RSA_* srp
	TLS_SRP_DSS_* srp
	TLS_SRP_* srp_anon
	TLS_RSA_EXPORT_* rsa_export
	TLS_RSA_* rsa
	TLS_KRB5_* unknown
	TLS_GOST* unknown
	TLS_ECCPWD_* unknown
	TLS_AES* rsa
	TLS_CAMELLIA* rsa
	TLS_ARIA* rsa
	TLS_DES_* rsa
	TLS_RC4_* rsa
	TLS_NULL_* rsa
	TLS_SEED_* rsa
	TLS_IDEA_* rsa
    } {
	if {[string match $pattern $name]} {
	    return $exchange
	}
    }
    return ""
}

#------------------------------------------------------------------------
# decode
#------------------------------------------------------------------------

# decode bytes ?-option value ...?
#
#	A message as a dict.
#
# Arguments:
#	bytes	A handshake message with its head of four bytes, and no more.
#	-record TYPE	The type of the record it stood in: handshake (default),
#		alert, change_cipher_spec, heartbeat or application_data.
#	-version V, -cipher SUITE, -key_exchange NAME
#		What is known of the connection, for those messages that look
#		different by it. Without, it is found out from the bytes, as far
#		as they tell.
#	-strict BOOL	If true, an extension that is not as it should be is an
#		error. Else its bytes are kept in extension_data.
# Results:
#	A dict: name, the fields by their RFC's names, and version and
#	key_exchange where they decide what the message looks like. [encode] of
#	its name and itself gives the same bytes again.
# Errors:
#	PYOSSL EXPECT DECODE OFFSET if lengths do not fit or bytes are missing
#	or left over; the message says at which field. TCL LOOKUP INDEX for an
#	option there is not.
# Source:
#	RFC 8446, RFC 5246, and those of the extensions
proc ::pyossl::expect::decode {bytes args} {
    set options [message::Options $args]
    if {[regexp {[^\u0000-\u00ff]} $bytes]} {
	wire::Bad bytes "a character above U+00FF is no byte"
    }
    set extension::strict [dict get $options -strict]
    wire::start $bytes
    set end [string length $bytes]
    set record [dict get $options -record]
    if {$record ne "handshake"} {
	if {![dict exists $message::records $record]} {
	    wire::Fail 0 record "nothing is known of records of type\
		\"$record\""
	}
	set name [dict get $message::records $record]
	return [message::Decode $name $end $options]
    }
    wire::Number 1 $end msg_type
    set stop [wire::Stop 3 $end length]
    if {$stop < $end} {
	wire::Fail $stop message "[wire::Plural [expr {$end - $stop}]]\
	    left over behind it"
    }
    set name [message::nameOf $bytes]
    if {![dict exists $message::rows $name]} {
	return [list name $name body [string range $bytes 4 end]]
    }
    return [message::Decode $name $end $options]
}

# The options of decode, with names made numbers and back.
proc ::pyossl::expect::message::Options {words} {
    set options {-record handshake -version {} -cipher {} -key_exchange {}
	-strict 0}
    if {[llength $words] % 2} {
	return -code error -errorcode {TCL WRONGARGS} \
	    "wrong # args: should be \"decode bytes ?-option value ...?\""
    }
    foreach {option value} $words {
	set option [tcl::prefix match -message option [dict keys $options] \
	    $option]
	dict set options $option $value
    }
    set names [namespace parent]::names
    foreach {option registry} {-record content_type -version version} {
	set value [dict get $options $option]
	if {$value ne ""} {
	    dict set options $option [${names}::name $registry \
		[${names}::code $registry $value]]
	}
    }
    if {![string is boolean -strict [dict get $options -strict]]} {
	return -code error -errorcode {TCL VALUE NUMBER} \
	    "expected boolean value but got\
	    \"[dict get $options -strict]\""
    }
    if {[dict get $options -key_exchange] eq ""
	    && [dict get $options -cipher] ne ""} {
	dict set options -key_exchange \
	    [keyExchange [dict get $options -cipher]]
    }
    return $options
}

# Fits hints version exchange --
#	Is a form for them?  What is not known fits all.
proc ::pyossl::expect::message::Fits {hints version exchange} {
    foreach {hint value} [list version $version key_exchange $exchange] {
	if {$value ne "" && [dict exists $hints $hint]
		&& $value ni [dict get $hints $hint]} {
	    return 0
	}
    }
    return 1
}

# Decode name end options --
#	Tries the forms of a message that the hints allow.  The error is that of
#	the first one, which is the usual one.
proc ::pyossl::expect::message::Decode {name end options} {
    variable rows
    set wire [namespace parent]::wire
    upvar #0 ${wire}::at at
    set start $at
    set version [dict get $options -version]
    set exchange [dict get $options -key_exchange]
    set wrong ""
    foreach {hints fields} [lindex [dict get $rows $name] 1] {
	if {![Fits $hints $version $exchange] || ($exchange eq ""
		&& [dict exists $hints guess] && ![dict get $hints guess])} {
	    continue
	}
	set result [list name $name]
	foreach {hint value} [list version $version key_exchange $exchange] {
	    if {[dict exists $hints $hint]} {
		lappend result $hint [expr {$value ne "" ? $value
		    : [lindex [dict get $hints $hint] 0]}]
	    }
	}
	set at $start
	try {
	    ${wire}::Fields $fields $end "" result
	    ${wire}::Finished $end $name
	    return $result
	} trap {PYOSSL EXPECT DECODE} {message info} {
	    if {$wrong eq ""} {
		set wrong $message
		set code [dict get $info -errorcode]
	    }
	}
    }
    if {$wrong eq ""} {
	# The hints are of a version or key exchange without this message.
	return [list name $name body [string range [set ${wire}::data] \
	    $start end]]
    }
    return -code error -errorcode $code "$name: $wrong"
}

#------------------------------------------------------------------------
# encode
#------------------------------------------------------------------------

# encode name ?fields?
#
#	The bytes of a message.
#
# Arguments:
#	name	The name of a message, or the name or number of a handshake type.
#	fields	A dict of its fields, as [decode] gives it. What is left out is
#		given a sane value: "encode ClientHello" is one that a server
#		answers. In the place of a field F may stand F_bytes (what goes
#		behind its length), F_length (what its length says) or F_wire
#		(all of it); trailing_bytes go behind the last field; body is
#		all behind the head; msg_type and length stand in the head.
# Results:
#	Bytes: a handshake message with its head of four bytes, or what goes in
#	a record of another type.
# Errors:
#	PYOSSL EXPECT ENCODE FIELD if a name is unknown, or a value does not fit.
# Source:
#	RFC 8446, RFC 5246, and those of the extensions
proc ::pyossl::expect::encode {name {fields {}}} {
    if {[catch {dict size $fields}]} {
	wire::Bad $name "\"[wire::Short $fields]\" is no dict"
    }
    lassign [message::Find $name] name type
    set common {name version key_exchange body msg_type length}
    if {[dict exists $fields body]} {
	set body [wire::Raw [dict get $fields body] body]
    } else {
	set body [wire::Struct [message::Form $name $fields $common] $fields \
	    "" $common]
    }
    if {$type eq ""} {
	return $body
    }
    if {[dict exists $fields msg_type]} {
	set type [dict get $fields msg_type]
    }
    set length {}
    if {[dict exists $fields length]} {
	set length [dict get $fields length]
    }
    return [wire::Code 1 handshake_type $type msg_type][wire::Prefixed 3 \
	$body $length length]
}

# Find name -- {name type} of a message, by any of its names.
proc ::pyossl::expect::message::Find {name} {
    variable rows
    variable byType
    if {[dict exists $rows $name]} {
	return [list $name [lindex [dict get $rows $name] 0]]
    }
    set wire [namespace parent]::wire
    set names [namespace parent]::names
    if {![string is entier -strict $name]
	    && ![${names}::known handshake_type $name]} {
	${wire}::Bad name "there is no message \"[${wire}::Short $name]\"[${names}::Similar $name [dict keys $rows]]"
    }
    set type [${names}::code handshake_type $name]
    if {[info exists byType($type)]} {
	return [list $byType($type) $type]
    }
    return [list $name $type]
}

# Form name fields common --
#	Which form of a message a dict is: by its hints, then by its keys.
proc ::pyossl::expect::message::Form {name fields common} {
    variable rows
    if {![dict exists $rows $name]} {
	return {}
    }
    set forms [lindex [dict get $rows $name] 1]
    if {[llength $forms] == 2} {
	return [lindex $forms 1]
    }
    set wire [namespace parent]::wire
    set version {}
    set exchange {}
    if {[dict exists $fields version]} {
	set names [namespace parent]::names
	try {
	    set version [${names}::name version [${names}::code version \
		[dict get $fields version]]]
	} trap {PYOSSL EXPECT NAME} {message} {
	    ${wire}::Bad version $message
	}
    }
    if {[dict exists $fields key_exchange]} {
	set exchange [dict get $fields key_exchange]
    }
    lappend common trailing_bytes
    set first ""
    set found 0
    foreach {hints form} $forms {
	if {![Fits $hints $version $exchange]} {
	    continue
	}
	if {[${wire}::Knows $form [dict keys $fields] $common]} {
	    return $form
	}
	if {!$found} {
	    set found 1
	    set first $form
	}
    }
    return $first
}
